import { gunzipSync, gzipSync } from 'node:zlib';
import { Fault } from '@millrace/runtime';

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Numbers as the batch's attributes have them. */
export const compressionNumbers: Readonly<Record<Compression, number>> = {
  none: 0,
  gzip: 1,
  snappy: 2,
  lz4: 3,
  zstd: 4,
};

export interface CompressionCodec {
  readonly number: number;
  compress(bytes: Buffer): Buffer | Promise<Buffer>;
  decompress(bytes: Buffer): Buffer | Promise<Buffer>;
}

const names = Object.keys(compressionNumbers) as Compression[];
const loaded = new Map<Compression, Promise<CompressionCodec>>();

/** The codec of a batch, loaded at its first use: who does not compress loads nothing. MR-3022 when it cannot be loaded here. */
export function compressionCodec(compression: Compression): Promise<CompressionCodec> {
  const present = loaded.get(compression);
  if (present) return present;
  const loading = load(compression).catch((cause: unknown) => {
    loaded.delete(compression);
    throw new Fault('MR-3022', {
      detail: `the codec for ${compression} cannot be loaded on ${process.platform}-${process.arch}`,
      cause,
    });
  });
  loaded.set(compression, loading);
  return loading;
}

export const compressionNamed = (number: number): Compression | undefined =>
  names.find((name) => compressionNumbers[name] === number);

async function load(compression: Compression): Promise<CompressionCodec> {
  const number = compressionNumbers[compression];
  switch (compression) {
    case 'none':
      return { number, compress: (bytes) => bytes, decompress: (bytes) => bytes };
    case 'gzip':
      return { number, compress: (bytes) => gzipSync(bytes), decompress: (bytes) => gunzipSync(bytes) };
    case 'snappy': {
      const { default: snappy } = await import('snappy');
      return {
        number,
        compress: (bytes) => xerialFrame(snappy.compressSync(bytes)),
        decompress: (bytes) =>
          Buffer.concat(
            xerialBlocks(bytes).map((block) => snappy.uncompressSync(block, { asBuffer: true }) as Buffer),
          ),
      };
    }
    case 'lz4': {
      const { default: lz4 } = await import('lz4-napi');
      return {
        number,
        compress: (bytes) => lz4.compressFrameSync(bytes),
        decompress: (bytes) => lz4.decompressFrameSync(bytes),
      };
    }
    case 'zstd': {
      const { default: zstd } = await import('@mongodb-js/zstd');
      return {
        number,
        compress: (bytes) => zstd.compress(bytes),
        decompress: (bytes) => zstd.decompress(bytes),
      };
    }
  }
}

/** Java clients write snappy in the framing of xerial's stream: magic, versions, then blocks, each with its length. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeader_bytes = 16;
const xerialVersion = 1;

function xerialFrame(block: Buffer): Buffer {
  const frame = Buffer.alloc(xerialHeader_bytes + 4);
  xerialMagic.copy(frame);
  frame.writeInt32BE(xerialVersion, 8);
  frame.writeInt32BE(xerialVersion, 12);
  frame.writeInt32BE(block.length, xerialHeader_bytes);
  return Buffer.concat([frame, block]);
}

/** The compressed blocks; other clients write one block without any framing. */
function xerialBlocks(bytes: Buffer): Buffer[] {
  if (bytes.length < xerialHeader_bytes || !bytes.subarray(0, 8).equals(xerialMagic)) return [bytes];
  const blocks: Buffer[] = [];
  for (let position = xerialHeader_bytes; position < bytes.length; ) {
    const length = bytes.readInt32BE(position);
    if (length < 0 || position + 4 + length > bytes.length) throw new RangeError('a snappy block is cut');
    blocks.push(bytes.subarray(position + 4, position + 4 + length));
    position += 4 + length;
  }
  return blocks;
}
