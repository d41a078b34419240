import { Fault } from '@millrace/runtime';
import { ByteReader } from './byte-reader.js';
import { recordVersion } from './record-codec.js';
import { id_bytes, readPosition, writePosition } from './record-parts.js';
import { RecordWriter } from './record-writer.js';
import type { Anchor } from './records.js';

/** Version u8 · offset i64 · epoch u32 · nonce 16 · seq u64 · history u32 · end u64: 49 bytes, equal iff the anchors are. */
export function encodeAnchor(anchor: Anchor): Uint8Array {
  const out = new RecordWriter(64);
  out.u8(recordVersion);
  // Signed: the start of a log, before every record, is offset −1.
  out.u64(BigInt.asUintN(64, anchor.offset));
  out.count(anchor.epoch);
  out.fixed(anchor.nonce, id_bytes);
  out.u64(anchor.seq);
  writePosition(out, anchor.position);
  return out.copy();
}

/** Throws MR-3011 for an unknown version, MR-3012 for anything that is not an anchor. */
export function decodeAnchor(bytes: Uint8Array): Anchor {
  const from = new ByteReader(bytes, 'anchor');
  const version = from.u8();
  if (version !== recordVersion)
    throw new Fault('MR-3011', {
      detail: `anchor of version ${version} (this Millrace reads ${recordVersion})`,
    });
  const anchor: Anchor = {
    offset: BigInt.asIntN(64, from.u64()),
    epoch: from.u32(),
    nonce: from.bytes(id_bytes),
    seq: from.u64(),
    position: readPosition(from),
  };
  from.end();
  return anchor;
}
