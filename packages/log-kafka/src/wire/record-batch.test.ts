import { type PackedRecords, RecordCursor, RecordPacker } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { BatchCursor } from './batch-cursor.js';
import { BatchEncoder, type EncoderOptions, singleRecordBatch } from './batch-encoder.js';
import { at, putVarint, varint_bytes } from './batch-format.js';
import { BatchMemory } from './batch-memory.js';
import { type Compression, compressionCodec } from './compression.js';
import { PackedOutput } from './packed-output.js';

interface Sample {
  readonly key: string | undefined;
  readonly value: string | undefined;
  readonly absent?: number;
  readonly extras?: Readonly<Record<string, string>>;
}

/** Packs samples; extras are put into the packed form by hand, as no writer of them is needed elsewhere. */
function pack(samples: readonly Sample[]): PackedRecords {
  const parts: Buffer[] = [];
  samples.forEach(({ key, value, absent = 0, extras = {} }, i) => {
    const packer = new RecordPacker(64);
    const stamp = { flags: 0, epoch: 3, commitHigh: 1, commitLow: i, ordinalHigh: 0, ordinalLow: i };
    packer.begin({ ...stamp, relationVersion: 7 }, new Uint8Array(absent).fill(0xa5));
    if (key !== undefined) packer.out.utf8(key);
    packer.beginValue(key !== undefined);
    if (value !== undefined) packer.out.utf8(value);
    packer.end(value === undefined);
    parts.push(withExtras(packer.out.copy(), extras));
  });
  return { bytes: Buffer.concat(parts), count: samples.length };
}

function withExtras(record: Buffer, extras: Readonly<Record<string, string>>): Buffer {
  const bytes = Buffer.concat(
    Object.entries(extras).map(([name, value]) => {
      const size = Buffer.alloc(4);
      size.writeUInt32BE(Buffer.byteLength(value));
      return Buffer.concat([
        Buffer.from([Buffer.byteLength(name)]),
        Buffer.from(name),
        size,
        Buffer.from(value),
      ]);
    }),
  );
  const headerEnd = 18 + record.readUInt16BE(4);
  const joined = Buffer.concat([record.subarray(0, headerEnd), bytes, record.subarray(headerEnd)]);
  joined.writeUInt32BE(joined.length - 4, 0);
  joined.writeUInt32BE(bytes.length, 6);
  return joined;
}

const samples: readonly Sample[] = [
  { key: 'k', value: 'v' },
  { key: undefined, value: 'without a key' },
  { key: 'gone', value: undefined },
  { key: '', value: '' },
  { key: 'x'.repeat(40), value: 'y'.repeat(200), absent: 5 },
  { key: 'extras', value: 'e', extras: { tx: '1', 'a name': '', ключ: 'значение'.repeat(30) } },
  { key: 'z'.repeat(70_000), value: 'w'.repeat(300_000), absent: 200 },
];

const options: EncoderOptions = {
  target_bytes: 1 << 20,
  limit_bytes: 1 << 22,
  codec: undefined,
  memory: new BatchMemory(1 << 16, 2),
  now: () => 1_700_000_000_000,
  topic: 'shop.public.orders',
};

async function encode(records: PackedRecords, changes: Partial<EncoderOptions> = {}): Promise<Buffer[]> {
  const encoder = new BatchEncoder(records, { ...options, ...changes });
  const batches: Buffer[] = [];
  for (let batch = await encoder.next(); batch; batch = await encoder.next()) batches.push(batch.bytes);
  return batches;
}

async function decode(bytes: Buffer): Promise<PackedRecords> {
  const out = new PackedOutput(64);
  const cursor = new BatchCursor(bytes, 'orders/0');
  while (cursor.peekEnd() !== undefined) {
    if (!cursor.hasGoodChecksum()) throw new Fault('MR-3012', { detail: 'checksum' });
    await cursor.openBatch();
    while (cursor.next()) if (cursor.headerLength >= 0) out.append(cursor);
  }
  return { bytes: out.out.copy(), count: out.count };
}

const flipped = (bytes: Buffer, byte: number, bit = 0): Buffer => {
  const copy = Buffer.from(bytes);
  copy[byte] = (copy[byte] as number) ^ (1 << bit);
  return copy;
};

describe('record batches', () => {
  it('give back packed records byte for byte, with keys, tombstones, bitmaps and further headers', async () => {
    const records = pack(samples);
    const [batch, ...more] = await encode(records);
    expect(more).toEqual([]);
    const back = await decode(batch!);
    expect(back.count).toBe(samples.length);
    expect(Buffer.compare(Buffer.from(back.bytes), Buffer.from(records.bytes))).toBe(0);
  });

  it.each<Compression>(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'survive compression by %s',
    async (name) => {
      const records = pack(Array.from({ length: 300 }, (_, i) => ({ key: `k${i}`, value: 'v'.repeat(100) })));
      const codec = await compressionCodec(name);
      const [batch] = await encode(records, { codec });
      expect(batch!.readInt16BE(at.attributes) & 7).toBe(codec.number);
      if (name !== 'none') expect(batch!.length).toBeLessThan(records.bytes.length / 2);
      expect(Buffer.compare(Buffer.from((await decode(batch!)).bytes), Buffer.from(records.bytes))).toBe(0);
    },
  );

  it('are cut at the target, in order, and one larger record goes alone', async () => {
    const large = { key: 'large', value: 'x'.repeat(5_000) };
    const records = pack([...samples.slice(0, 5), large, ...samples.slice(0, 5)]);
    const batches = await encode(records, { target_bytes: 400 });
    expect(batches.length).toBeGreaterThan(3);
    expect(batches.filter((batch) => batch.length > 400)).toHaveLength(1);
    const back = await decode(Buffer.concat(batches));
    expect(Buffer.compare(Buffer.from(back.bytes), Buffer.from(records.bytes))).toBe(0);
  });

  it('refuse a record that the topic does not take, naming the setting', async () => {
    const outcome = encode(pack([{ key: 'k', value: 'x'.repeat(5_000) }]), { limit_bytes: 4_000 });
    await expect(outcome).rejects.toMatchObject({ code: 'MR-3020' });
    await expect(outcome).rejects.toThrow(/shop\.public\.orders.*max\.message\.bytes is 4000/);
  });

  it('hold one marked record of a small topic, as the progress topic and tables have them', async () => {
    const cursor = new BatchCursor(singleRecordBatch(Buffer.from('key'), Buffer.from('value'), 1), 't/0');
    expect(await cursor.openBatch()).toBe(true);
    expect(cursor.next()).toBe(true);
    const { bytes, keyStart, keyLength, valueStart, valueLength } = cursor;
    expect(bytes.toString('utf8', keyStart, keyStart + keyLength)).toBe('key');
    expect(bytes.toString('utf8', valueStart, valueStart + valueLength)).toBe('value');
    expect(cursor.headerLength).toBe(1);
    expect(cursor.next()).toBe(false);
    expect(await cursor.openBatch()).toBe(false);
  });

  it('end where the last whole one ends, as brokers cut the last at the byte limit', async () => {
    const [first, second] = await encode(pack([samples[4]!, samples[4]!]), { target_bytes: 300 });
    for (let kept = 0; kept < second!.length; kept += 17) {
      const back = await decode(Buffer.concat([first!, second!.subarray(0, kept)]));
      expect(back.count).toBe(1);
    }
  });

  it('tell any flipped bit by their checksum', async () => {
    const [batch] = await encode(pack(samples.slice(0, 3)));
    for (let byte = at.crc; byte < batch!.length; byte++)
      await expect(decode(flipped(batch!, byte, byte % 8))).rejects.toMatchObject({ code: 'MR-3012' });
  });

  it('never lead beyond their end or into a crash, whatever their bytes say', async () => {
    const { crc32c } = await import('@node-rs/crc32');
    const [batch] = await encode(pack(samples.slice(0, 6)));
    let faults = 0;
    for (let byte = at.attributes; byte < batch!.length; byte++) {
      for (const bit of [0, 6, 7]) {
        const hostile = flipped(batch!, byte, bit);
        hostile.writeUInt32BE(crc32c(hostile.subarray(at.attributes)), at.crc);
        try {
          const back = await decode(hostile);
          // What decodes is well-formed packed records, whatever they say.
          const cursor = new RecordCursor(back);
          while (cursor.next()) expect(cursor.recordEnd).toBeLessThanOrEqual(back.bytes.length);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^MR-301[12]$/) });
          faults++;
        }
      }
    }
    expect(faults).toBeGreaterThan(50);
  });

  it('refuse an older message format and a length that cannot be', async () => {
    const [batch] = await encode(pack(samples.slice(0, 1)));
    const old = Buffer.from(batch!);
    old[at.magic] = 1;
    await expect(decode(old)).rejects.toMatchObject({ code: 'MR-3012' });
    const short = Buffer.from(batch!);
    short.writeInt32BE(-1, at.batchLength);
    await expect(decode(short)).rejects.toMatchObject({ code: 'MR-3012' });
  });
});

describe('varints', () => {
  it('take the bytes that are counted for them, at every boundary', () => {
    const out = Buffer.alloc(8);
    for (const value of [
      -1, 0, 1, 63, 64, 8_191, 8_192, 1_048_575, 1_048_576, 134_217_727, 134_217_728, 0x7fff_ffff,
    ])
      expect(putVarint(out, 0, value)).toBe(varint_bytes(value));
  });
});
