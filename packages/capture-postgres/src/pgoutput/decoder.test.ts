import { readFileSync } from 'node:fs';
import { isFault } from '@millrace/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CapturedMessage, parseCapture, Transcript } from './transcript.sample.js';

const read = (name: string): string => readFileSync(new URL(`./golden/${name}`, import.meta.url), 'utf8');
const captures = new Map([15, 18].map((version) => [version, parseCapture(read(`pg${version}.capture`))]));
const both = [...captures.values()].flat();

/** Plays up to message `index`, then `bytes` instead of it; returns what was thrown. */
function playBroken(messages: readonly CapturedMessage[], index: number, bytes: Uint8Array): unknown {
  const transcript = new Transcript();
  transcript.play(messages.slice(0, index));
  try {
    transcript.play([{ ...(messages[index] as CapturedMessage), bytes }]);
    return undefined;
  } catch (error) {
    return error;
  }
}

const onlyProtocolFault = (error: unknown): boolean => error === undefined || isFault(error, 'MR-2011');

describe('the pgoutput decoder', () => {
  it.each([15, 18])('gives the golden transcript for the capture of PostgreSQL %i', (version) => {
    expect(new Transcript().play(captures.get(version) as CapturedMessage[])).toBe(
      read(`pg${version}.transcript`),
    );
  });

  it('refuses every message cut short at every byte, with type, LSN and offset', () => {
    const messages = captures.get(18) as CapturedMessage[];
    messages.forEach((message, index) => {
      // The 9,000-byte cell adds nothing but time.
      const cuts = message.bytes.length > 500 ? [0, 1, 5, 20, 100, 499] : [...message.bytes.keys()];
      for (const cut of cuts) {
        const error = playBroken(messages, index, message.bytes.subarray(0, cut));
        expect(isFault(error, 'MR-2011'), `message ${index} cut at ${cut}`).toBe(true);
        expect(String(error)).toMatch(/pgoutput message .* at [0-9A-F]+\/[0-9A-F]+, byte \d+ of \d+: /);
      }
    });
  });

  it('refuses a message with bytes too many', () => {
    const messages = captures.get(18) as CapturedMessage[];
    messages.forEach((message, index) => {
      const error = playBroken(messages, index, Buffer.concat([message.bytes, Buffer.from([0x74])]));
      expect(isFault(error, 'MR-2011'), `message ${index}`).toBe(true);
    });
  });

  it('never reads outside a message: the same bytes inside a larger buffer decode the same', () => {
    const messages = captures.get(15) as CapturedMessage[];
    const transcript = new Transcript();
    for (const { bytes, lsnHigh, lsnLow } of messages) {
      const padded = Buffer.concat([Buffer.alloc(7, 0xff), bytes, Buffer.alloc(7, 0xff)]);
      expect(transcript.decoder.decode(padded, 7, 7 + bytes.length, lsnHigh, lsnLow)).toBeUndefined();
    }
    expect(`${transcript.lines.join('\n')}\n`).toBe(read('pg15.transcript'));
  });

  it('answers any bytes with MR-2011 or a decoded message, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        expect(onlyProtocolFault(playBroken([], 0, bytes) ?? undefined)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('answers damaged messages with MR-2011 or a decoded message, nothing else', () => {
    const damage = fc.record({ index: fc.nat(both.length - 1), at: fc.nat(), byte: fc.nat(255) });
    fc.assert(
      fc.property(damage, ({ index, at, byte }) => {
        const version = index < (captures.get(15) as CapturedMessage[]).length ? 15 : 18;
        const messages = captures.get(version) as CapturedMessage[];
        const place = version === 15 ? index : index - (captures.get(15) as CapturedMessage[]).length;
        const bytes = Buffer.from((messages[place] as CapturedMessage).bytes);
        bytes[at % bytes.length] = byte;
        expect(onlyProtocolFault(playBroken(messages, place, bytes))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses streaming and two-phase messages, which were not asked for, by name', () => {
    for (const letter of 'SEcAbPKrp') {
      const error = playBroken([], 0, Buffer.from(`${letter}0000000000000000000000000000`));
      expect(String(error)).toMatch(/MR-2011.*which was not asked for/);
    }
  });

  it('refuses a change of a table that was not described, or was described and not defined', () => {
    const messages = captures.get(18) as CapturedMessage[];
    const relation = messages.findIndex(({ bytes }) => bytes[0] === 0x52);
    const insert = messages.findIndex(({ bytes }) => bytes[0] === 0x49);
    const without = [...messages.slice(0, relation), messages[insert] as CapturedMessage];
    expect(() => new Transcript().play(without)).toThrow(/MR-2011.*not described/);
  });

  it('refuses a transaction inside another, and a commit that is not its own', () => {
    const messages = captures.get(18) as CapturedMessage[];
    const begins = messages.filter(({ bytes }) => bytes[0] === 0x42);
    const commits = messages.filter(({ bytes }) => bytes[0] === 0x43);
    const play = (...list: (CapturedMessage | undefined)[]) =>
      new Transcript().play(list as CapturedMessage[]);
    expect(() => play(begins[0], begins[1])).toThrow(/inside another/);
    expect(() => play(begins[0], commits[1])).toThrow(/commit of another/);
    expect(() => play(commits[0])).toThrow(/outside a transaction/);
  });

  it('keeps positions beyond 2^63 exact', () => {
    const commits: bigint[] = [];
    const transcript = new Transcript();
    transcript.begin = ({ commit }) => void commits.push(commit);
    transcript.commit = ({ end }) => void commits.push(end);
    const begin = Buffer.alloc(21);
    begin[0] = 0x42;
    begin.writeBigUInt64BE(0xffff_fff0_0000_0001n, 1);
    begin.writeBigInt64BE(-1n, 9);
    const commit = Buffer.alloc(26);
    commit[0] = 0x43;
    commit.writeBigUInt64BE(0xffff_fff0_0000_0001n, 2);
    commit.writeBigUInt64BE(0xffff_fff0_0000_0003n, 10);
    transcript.play([begin, commit].map((bytes) => ({ bytes, lsnHigh: 0xffff_fff0, lsnLow: 1 })));
    expect(commits).toEqual([0xffff_fff0_0000_0001n, 0xffff_fff0_0000_0003n]);
  });
});
