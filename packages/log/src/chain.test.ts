import { lsn } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { anchorOf, type ChainState, chainFromAnchor, judge, startOfChain } from './chain.js';
import { at, batchRecord, nonceOf, openRecord } from './conformance/events.js';
import type { ClaimRecord, OpenRecord, ProgressRecord, RecordHead } from './records.js';

const logId = new Uint8Array(16).fill(9);
const head = (epoch: number, nonce: number, seq: bigint): RecordHead => ({
  logId,
  epoch,
  nonce: nonceOf(nonce),
  seq,
});
const claim = (epoch: number, nonce: number): ClaimRecord => ({
  ...head(epoch, nonce, 0n),
  kind: 'claim',
  host: 'h',
  pid: 1,
  version: 'v',
});
const open = (epoch: number, nonce: number, end: bigint, history = 0): OpenRecord =>
  openRecord(head(epoch, nonce, 1n), at(end, history));
const batch = (epoch: number, nonce: number, seq: bigint, from: bigint, to: bigint): ProgressRecord =>
  batchRecord(head(epoch, nonce, seq), at(from), at(to));

/** Judges records at offsets 0, 1, …; gives the verdicts and the state at the end. */
function story(records: readonly ProgressRecord[], from: ChainState = startOfChain(logId)) {
  let state = from;
  const verdicts = records.map((record, i) => {
    const verdict = judge(state, BigInt(i), record);
    if (verdict.verdict === 'counts') state = verdict.state;
    return verdict.verdict;
  });
  return { verdicts, state };
}

describe('what counts in the progress partition', () => {
  it('is one chain: claim, open, and records that continue each other', () => {
    const { verdicts, state } = story([
      claim(1, 1),
      open(1, 1, 100n),
      batch(1, 1, 2n, 100n, 200n),
      batch(1, 1, 3n, 200n, 200n),
    ]);
    expect(verdicts).toEqual(['counts', 'counts', 'counts', 'counts']);
    expect(state).toMatchObject({ epoch: 1, seq: 3n, to: at(200n), offset: 3n });
  });

  it('R3: of two claims of one epoch the first in the log counts, and the loser stays void', () => {
    const { verdicts, state } = story([
      claim(1, 1),
      claim(1, 2),
      open(1, 2, 50n),
      open(1, 1, 100n),
      batch(1, 2, 2n, 50n, 60n),
    ]);
    expect(verdicts).toEqual(['counts', 'void', 'void', 'counts', 'void']);
    expect(state.to).toEqual(at(100n));
  });

  it('R3: a dead capture’s claim that arrives late is void', () => {
    expect(story([claim(1, 1), claim(2, 2), claim(1, 3), claim(2, 4)]).verdicts).toEqual([
      'counts',
      'counts',
      'void',
      'void',
    ]);
  });

  it('drops a repeated request as a duplicate, claims included', () => {
    const { verdicts } = story([
      claim(1, 1),
      claim(1, 1),
      open(1, 1, 100n),
      open(1, 1, 100n),
      batch(1, 1, 2n, 100n, 200n),
      batch(1, 1, 2n, 100n, 200n),
    ]);
    expect(verdicts).toEqual(['counts', 'duplicate', 'counts', 'duplicate', 'counts', 'duplicate']);
  });

  it('voids the records of a superseded epoch, and of another log', () => {
    const foreign = { ...claim(1, 1), logId: new Uint8Array(16) };
    const { verdicts } = story([
      foreign,
      claim(1, 1),
      open(1, 1, 100n),
      claim(2, 2),
      batch(1, 1, 2n, 100n, 200n),
      open(2, 2, 100n),
    ]);
    expect(verdicts).toEqual(['void', 'counts', 'counts', 'counts', 'void', 'counts']);
  });

  it('never counts an intent', () => {
    const { kind: _, ...fields } = batchRecord(head(1, 1, 2n), at(100n), at(200n));
    const intent: ProgressRecord = { ...head(1, 1, 2n), kind: 'intent', number: 1n, batch: fields };
    expect(story([claim(1, 1), open(1, 1, 100n), intent]).verdicts.at(-1)).toBe('void');
  });

  it('faults on a hole: a skipped claim, a skipped seq, a record of a later epoch', () => {
    expect(() => story([claim(2, 1)])).toThrow(/MR-3001/);
    expect(() => story([claim(1, 1), open(1, 1, 100n), batch(1, 1, 3n, 100n, 200n)])).toThrow(/MR-3001/);
    expect(() => story([claim(1, 1), open(2, 1, 100n)])).toThrow(/MR-3001/);
  });

  it('faults on a broken chain: a gap, an overlap, a step back, an epoch without open', () => {
    const opened = [claim(1, 1), open(1, 1, 100n)];
    expect(() => story([...opened, batch(1, 1, 2n, 101n, 200n)])).toThrow(/MR-3002/);
    expect(() => story([...opened, batch(1, 1, 2n, 99n, 200n)])).toThrow(/MR-3002/);
    expect(() => story([...opened, batch(1, 1, 2n, 100n, 99n)])).toThrow(/MR-3002/);
    expect(() => story([...opened, claim(2, 2), batch(2, 2, 1n, 100n, 200n)])).toThrow(/MR-3002/);
    expect(() => story([...opened, claim(2, 2), open(2, 2, 101n)])).toThrow(/MR-3002/);
  });

  it('takes the first open’s position, also when its claimant’s predecessors never opened', () => {
    const { state } = story([claim(1, 1), claim(2, 2), open(2, 2, 100n)]);
    expect(state.to).toEqual(at(100n));
    expect(() => story([claim(1, 1), open(1, 1, 100n, 1)])).toThrow(/MR-3002/);
    expect(() => story([claim(1, 1), open(1, 1, 0n)])).toThrow(/MR-3002/);
  });

  it('R31: a fork begins a new history at the smaller of to and the fork point', () => {
    const before = [claim(1, 1), open(1, 1, 100n), batch(1, 1, 2n, 100n, 200n), claim(2, 2)];
    const forked = (end: bigint, forkAt: bigint): OpenRecord => ({
      ...open(2, 2, end, 1),
      fork: { forkAt: lsn(forkAt) },
    });
    expect(story([...before, forked(150n, 150n)]).state.to).toEqual(at(150n, 1));
    expect(story([...before, forked(200n, 900n)]).state.to).toEqual(at(200n, 1));
    expect(() => story([...before, forked(200n, 150n)])).toThrow(/MR-3002/);
    expect(() => story([...before, open(2, 2, 200n, 1)])).toThrow(/MR-3002/);
    expect(() => story([...before, { ...forked(200n, 200n), at: at(200n, 2) }])).toThrow(/MR-3002/);
  });

  it('R4: judges the same from an anchor as from the start', () => {
    const records = [claim(1, 1), open(1, 1, 100n), batch(1, 1, 2n, 100n, 200n)];
    const { state } = story(records);
    const late = [batch(1, 1, 2n, 100n, 200n), batch(1, 1, 3n, 200n, 300n), claim(2, 2)];
    const again = story(late, chainFromAnchor(logId, anchorOf(state)));
    expect(again).toEqual(story(late, state));
    expect(again.verdicts).toEqual(['duplicate', 'counts', 'counts']);
  });

  it('keeps positions beyond 2^63 exact', () => {
    const far = 0xffff_ffff_ffff_fff0n;
    const { state } = story([claim(1, 1), open(1, 1, far), batch(1, 1, 2n, far, far + 1n)]);
    expect(state.to.end).toBe(far + 1n);
    expect(() => story([claim(1, 1), open(1, 1, far), batch(1, 1, 2n, far + 1n, far + 2n)])).toThrow(
      /MR-3002/,
    );
  });
});
