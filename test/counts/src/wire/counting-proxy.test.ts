import { describe, expect, it } from 'vitest';
import { MessageCounter } from './counting-proxy.js';

const message = (letter: string, body: number): number[] => [
  ...(letter === '' ? [] : [letter.charCodeAt(0)]),
  ...[0, 0, (body + 4) >> 8, (body + 4) & 255],
  ...new Array<number>(body).fill('E'.charCodeAt(0)),
];

describe('a message counter', () => {
  it('sees every message once, wherever the bytes are cut', () => {
    const bytes = Uint8Array.from([
      ...message('', 300),
      ...message('P', 0),
      ...message('E', 70),
      ...message('S', 0),
    ]);
    for (const step of [1, 2, 3, 5, 7, 100, 1000]) {
      const seen: string[] = [];
      const counter = new MessageCounter((type) => seen.push(String.fromCharCode(type)), false);
      for (let at = 0; at < bytes.length; at += step) counter.take(bytes.subarray(at, at + step));
      expect(seen.join('')).toBe('PES');
    }
  });
});
