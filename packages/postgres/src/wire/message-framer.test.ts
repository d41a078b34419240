import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageFramer } from './message-framer.js';

function frame(type: number, body: Uint8Array): Buffer {
  const message = Buffer.alloc(5 + body.length);
  message[0] = type;
  message.writeInt32BE(4 + body.length, 1);
  message.set(body, 5);
  return message;
}

const messages = fc.array(fc.tuple(fc.integer({ min: 1, max: 255 }), fc.uint8Array({ maxLength: 40 })), {
  minLength: 1,
  maxLength: 12,
});

describe('cutting a byte stream into messages', () => {
  it('gives the same messages however the stream is cut into reads', () => {
    fc.assert(
      fc.property(messages, fc.array(fc.nat(500), { maxLength: 8 }), (sent, cuts) => {
        const stream = Buffer.concat(sent.map(([type, body]) => frame(type, body)));
        const got: [number, Buffer][] = [];
        const framer = new MessageFramer((type, bytes, start, end) => {
          got.push([type, Buffer.from(bytes.subarray(start, end))]);
          return undefined;
        });
        const edges = [
          0,
          ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b),
          stream.length,
        ];
        for (let i = 1; i < edges.length; i++) void framer.push(stream.subarray(edges[i - 1], edges[i]));
        expect(got).toEqual(sent.map(([type, body]) => [type, Buffer.from(body)]));
      }),
    );
  });

  it('stops where a handler asks to wait, and goes on after it', async () => {
    const stream = Buffer.concat([1, 2, 3].map((type) => frame(type, new Uint8Array(type))));
    const got: number[] = [];
    const framer = new MessageFramer((type) => {
      got.push(type);
      return type === 2 ? Promise.resolve() : undefined;
    });
    const wait = framer.push(stream);
    expect(got).toEqual([1, 2]);
    await wait;
    expect(framer.proceed()).toBeUndefined();
    expect(got).toEqual([1, 2, 3]);
  });

  it.each([0, 3, -1, 0x7fff_ffff])('refuses a length of %i with MR-2011', (length) => {
    const bytes = Buffer.alloc(5);
    bytes[0] = 0x64;
    bytes.writeInt32BE(length, 1);
    expect(() => new MessageFramer(() => undefined).push(bytes)).toThrow(/MR-2011/);
  });

  it('does not allocate what a header merely claims', () => {
    const bytes = Buffer.alloc(5);
    bytes[0] = 0x64;
    bytes.writeInt32BE(0x3fff_ffff, 1);
    const before = process.memoryUsage().arrayBuffers;
    void new MessageFramer(() => undefined).push(bytes);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });
});
