import type { Codec, DecodedEvent, EnvelopeOp, EventDecoder, EventEncoder } from '@millrace/codec';
import { type Cell, cellAbsent, cellNull, type Relation, type Row, type RowImage } from '@millrace/model';
import type { ByteWriter } from '@millrace/runtime';

/** Length of a cell on the wire; PostgreSQL's longest value is below. */
const wire = { null: -1, absent: -2 } as const;

/**
 * The plainest codec that keeps every cell: the operation's letter, then lengths and bytes. Simulations are about order and
 * loss, and run thousands of pipelines a minute; the real codecs prove themselves in their own package.
 */
export const cellCodec: Codec = {
  name: 'cells',
  encoder: async (_topic, relation) => encoderOf(relation),
  decoder: async (_topic, relation) => decoderOf(relation),
  inexactColumns: () => [],
};

function encoderOf(relation: Relation): EventEncoder {
  return {
    keyed: relation.key.length > 0,
    key(image, out) {
      for (const index of relation.key) writeCell(image, index, out);
    },
    value(op, change, _context, out) {
      out.u8(op.charCodeAt(0));
      writeImage(op === 'd' || op === 'u' ? change.before : undefined, out);
      writeImage(op === 'd' || op === 't' ? undefined : change.after, out);
    },
  };
}

function writeImage(image: RowImage | undefined, out: ByteWriter): void {
  out.u16(image ? image.columns + 1 : 0);
  if (image) for (let i = 0; i < image.columns; i++) writeCell(image, i, out);
}

function writeCell(image: RowImage, index: number, out: ByteWriter): void {
  const length = image.length[index] as number;
  const from = image.offset[index] as number;
  out.u32(length === cellNull ? wire.null : length === cellAbsent ? wire.absent : length);
  if (length > 0) out.bytes(image.bytes, from, from + length);
}

function decoderOf(relation: Relation): EventDecoder {
  const decoder: EventDecoder = {
    passInsert(value, sink) {
      const { op, after } = decoder.decode(value, () => false);
      if (op !== 'c' || !after) return false;
      for (const cell of after) cell == null ? sink.null() : sink.text(cell);
      sink.endRow();
      return true;
    },
    decode(value, isAbsent): DecodedEvent {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      const reader = { bytes, at: 1 };
      const before = readImage(reader);
      const after = readImage(reader);
      if (after && after.length !== relation.columns.length)
        throw new Error(`a row of ${after.length} cells was read as one of ${relation.columns.length}`);
      return {
        op: String.fromCharCode(bytes[0] as number) as EnvelopeOp,
        before,
        after: after === null ? null : after.map((cell, i) => (isAbsent(i) ? undefined : (cell ?? null))),
      };
    },
  };
  return decoder;
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function readImage(reader: Reader): Row | null {
  const columns = reader.bytes.readUInt16BE(reader.at);
  reader.at += 2;
  if (columns === 0) return null;
  const row: Cell[] = [];
  for (let i = 1; i < columns; i++) row.push(readCell(reader));
  return row;
}

function readCell(reader: Reader): Cell {
  const length = reader.bytes.readInt32BE(reader.at);
  reader.at += 4;
  if (length === wire.null) return null;
  if (length === wire.absent) return undefined;
  const text = reader.bytes.toString('utf8', reader.at, reader.at + length);
  reader.at += length;
  return text;
}
