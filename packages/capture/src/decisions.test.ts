import { lsn, type Position } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { captureDecisions } from './decisions.js';
import { forkVerdict } from './epoch/fork.js';
import type { LeaderIdentity } from './source.js';
import { type CaptureState, enter, transitions } from './state.js';

const at = (end: bigint, history = 0): Position => ({ history, end: lsn(end) });

describe('what is confirmed', () => {
  it('is what was read back, as it stands, never what was only acknowledged (R2, R8)', () => {
    expect(captureDecisions.flushed({ readBack: at(100n), acknowledged: at(200n) })).toBe(100n);
  });

  it('is the chain’s end at OPEN (R9)', () => {
    expect(captureDecisions.confirmAtOpen(at(77n))).toBe(77n);
  });

  it('as applied is the least of the named followers, never beyond flush, and nothing when none is named', () => {
    expect(captureDecisions.applied(lsn(100n), [lsn(90n), lsn(95n)])).toBe(90n);
    expect(captureDecisions.applied(lsn(100n), [lsn(190n)])).toBe(100n);
    expect(captureDecisions.applied(lsn(100n), [lsn(90n), lsn(0n)])).toBe(0n);
    expect(captureDecisions.applied(lsn(100n), [])).toBe(0n);
  });
});

describe('what is covered', () => {
  it('is a commit whose final LSN is below the position, not at it (R1)', () => {
    expect(captureDecisions.isCovered(at(100n), lsn(99n))).toBe(true);
    expect(captureDecisions.isCovered(at(100n), lsn(100n))).toBe(false);
  });

  it('stays exact beyond 2^63', () => {
    const end = 0xffff_ffff_ffff_fff0n;
    expect(captureDecisions.isCovered(at(end), lsn(end - 1n))).toBe(true);
    expect(captureDecisions.isCovered(at(end), lsn(end))).toBe(false);
  });
});

describe('the slot against the chain (R7)', () => {
  const check = { confirmed: lsn(100n), resume: at(100n), empty: false, created: false };

  it('goes on when the slot is at or behind the chain', () => {
    expect(captureDecisions.slotVerdict(check)).toBe('continue');
    expect(captureDecisions.slotVerdict({ ...check, confirmed: lsn(50n) })).toBe('continue');
  });

  it('is a gap when the slot is ahead, or new although the log is not', () => {
    expect(captureDecisions.slotVerdict({ ...check, confirmed: lsn(101n) })).toBe('slot-ahead');
    expect(captureDecisions.slotVerdict({ ...check, created: true })).toBe('slot-recreated');
  });

  it('goes on when we made the slot before the log passed its start: another capture filled it while we slept', () => {
    expect(captureDecisions.slotVerdict({ ...check, confirmed: lsn(99n), created: true })).toBe('continue');
  });

  it('is a beginning when the log is empty', () => {
    expect(captureDecisions.slotVerdict({ ...check, empty: true, created: true })).toBe('first-open');
    expect(captureDecisions.slotVerdict({ ...check, empty: true })).toBe('adopt-slot');
  });
});

describe('a partition against the chain', () => {
  it('must reach beyond the last covered offset', () => {
    const watermarks = { low: 0n, high: 10n };
    expect(captureDecisions.partitionVerdict({ covered: 9n, watermarks })).toBe('fine');
    expect(captureDecisions.partitionVerdict({ covered: 10n, watermarks })).toBe('rewound');
    expect(captureDecisions.partitionVerdict({ covered: 10n, watermarks: { low: 0n, high: 0n } })).toBe(
      'recreated',
    );
    expect(captureDecisions.partitionVerdict({ covered: 10n, watermarks: undefined })).toBe('recreated');
    expect(captureDecisions.partitionVerdict({ covered: -1n, watermarks: { low: 0n, high: 0n } })).toBe(
      'fine',
    );
  });
});

describe('an idle record', () => {
  it('moves only forward, and only over what is covered (R14)', () => {
    expect(captureDecisions.mayRecordIdle(lsn(101n), at(100n), false)).toBe(true);
    expect(captureDecisions.mayRecordIdle(lsn(100n), at(100n), false)).toBe(false);
    expect(captureDecisions.mayRecordIdle(lsn(101n), at(100n), true)).toBe(false);
  });
});

describe('a batch', () => {
  const limits = { batch_bytes: 100, batch_events: 10 };
  it('is cut at a commit when it is full, or nothing else is being written', () => {
    expect(captureDecisions.shouldCut({ bytes: 99, events: 9, idle: false, limits })).toBe(false);
    expect(captureDecisions.shouldCut({ bytes: 100, events: 1, idle: false, limits })).toBe(true);
    expect(captureDecisions.shouldCut({ bytes: 1, events: 10, idle: false, limits })).toBe(true);
    expect(captureDecisions.shouldCut({ bytes: 1, events: 1, idle: true, limits })).toBe(true);
  });
});

describe('a leader that failed over (§8)', () => {
  const first: LeaderIdentity = { systemId: 9n, timeline: 1, ancestry: [] };
  const second: LeaderIdentity = {
    systemId: 9n,
    timeline: 2,
    ancestry: [{ timeline: 1, switchLsn: lsn(100n) }],
  };
  const third: LeaderIdentity = {
    systemId: 9n,
    timeline: 3,
    ancestry: [
      { timeline: 1, switchLsn: lsn(100n) },
      { timeline: 2, switchLsn: lsn(150n) },
    ],
  };

  it('is the same while timelines agree', () => {
    expect(forkVerdict(first, first, at(500n))).toEqual({ kind: 'same' });
    expect(forkVerdict(third, third, at(500n))).toEqual({ kind: 'same' });
  });

  it('is another one when the system identifier differs', () => {
    expect(forkVerdict(first, { ...first, systemId: 8n }, at(1n))).toMatchObject({ kind: 'replaced' });
  });

  it('goes on where it was when everything published is on the new timeline', () => {
    expect(forkVerdict(first, second, at(100n))).toEqual({ kind: 'fork', forkAt: 100n, resume: at(100n, 1) });
    expect(forkVerdict(first, third, at(90n, 4))).toEqual({ kind: 'fork', forkAt: 100n, resume: at(90n, 5) });
    expect(forkVerdict(second, third, at(120n, 1))).toEqual({
      kind: 'fork',
      forkAt: 150n,
      resume: at(120n, 2),
    });
  });

  it('retracts what was published beyond the fork (R31)', () => {
    expect(forkVerdict(first, second, at(130n))).toEqual({
      kind: 'fork',
      forkAt: 100n,
      resume: at(100n, 1),
      retracted: { from: 100n, to: 130n },
    });
  });

  it('parts at the earlier switch when two standbys were promoted at different places', () => {
    const other: LeaderIdentity = {
      systemId: 9n,
      timeline: 3,
      ancestry: [{ timeline: 1, switchLsn: lsn(80n) }],
    };
    expect(forkVerdict(second, other, at(200n, 1))).toMatchObject({
      kind: 'fork',
      forkAt: 80n,
      resume: at(80n, 2),
    });
    expect(forkVerdict(other, second, at(200n, 1))).toMatchObject({ kind: 'fork', forkAt: 80n });
  });

  it('parts from a leader that was put back to an earlier timeline', () => {
    expect(forkVerdict(second, first, at(200n, 1))).toMatchObject({
      kind: 'fork',
      forkAt: 100n,
      resume: at(100n, 2),
    });
  });
});

describe('the state machine', () => {
  it('ends for good when fenced or stopped', () => {
    expect(transitions.fenced).toEqual([]);
    expect(transitions.stopped).toEqual([]);
  });

  it('refuses a step that the table does not have', () => {
    const wait: CaptureState = { name: 'wait', reason: '' };
    expect(enter(wait, { name: 'read' }).name).toBe('read');
    expect(() => enter(wait, { name: 'stream', epoch: 1 })).toThrow(/MR-9001/);
  });
});
