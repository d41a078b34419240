import { describe, expect, it } from 'vitest';
import { metadata } from './apis.js';
import { fetch, produceById } from './data-apis.js';
import { ProtocolReader } from './protocol-reader.js';
import { ProtocolWriter } from './protocol-writer.js';

const id = new Uint8Array(16).fill(9);

describe('requests', () => {
  it('hand spliced batches on without copying them, in place', () => {
    const out = new ProtocolWriter();
    const batch = Buffer.alloc(100_000, 7);
    const topic = { name: 't', id };
    produceById.write(out, { partitions: [{ topic, partition: 3, batch }], timeout_ms: 1_000 });
    const parts = out.parts();
    expect(parts).toContain(batch);
    expect(Buffer.concat(parts).length).toBe(out.size_bytes);
    expect(Buffer.concat(parts).indexOf(batch)).toBe(parts[0]!.length);
  });
});

describe('answers', () => {
  const answer = (write: (out: ProtocolWriter) => void): Buffer => {
    const out = new ProtocolWriter();
    write(out);
    return Buffer.concat(out.parts());
  };

  it('are read with fields of newer versions passed over', () => {
    const bytes = answer((out) => {
      out.i32(0);
      out.array([1], () => {
        out.i32(5);
        out.compactString('host');
        out.i32(9092);
        out.compactNullableString(undefined);
        out.uvarint(2);
        out.uvarint(77);
        out.uvarint(3);
        for (const byte of [1, 2, 3]) out.i8(byte);
        out.uvarint(300);
        out.uvarint(0);
      });
      out.compactNullableString('cluster');
      out.i32(5);
      out.array([], () => {});
      out.tags();
    });
    const { brokers } = metadata.read(new ProtocolReader(bytes, 'test'));
    expect(brokers).toEqual([{ id: 5, host: 'host', port: 9092 }]);
  });

  it('are MR-3023 with the byte when they are cut anywhere or lie about their lengths', () => {
    const bytes = answer((out) => {
      out.i32(0);
      out.i16(0);
      out.i32(0);
      out.array([1], () => {
        out.uuid(id);
        out.array([1], () => {
          out.i32(0);
          out.i16(0);
          for (let i = 0; i < 3; i++) out.i64(8n);
          out.nullArray();
          out.i32(-1);
          out.splice(Buffer.from('records'));
          out.tags();
        });
        out.tags();
      });
      out.tags();
    });
    const read = (part: Buffer) => fetch.read(new ProtocolReader(part, 'Fetch of broker b:1'));
    expect(read(bytes)).toMatchObject({ error: 0, high: 8n, records: Buffer.from('records') });
    for (let length = 0; length < bytes.length - 1; length++)
      expect(() => read(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: 'MR-3023' }));
    const lying = Buffer.from(bytes);
    lying[10] = 0x7f;
    expect(() => read(lying)).toThrow(/Fetch of broker b:1, byte \d+/);
  });
});
