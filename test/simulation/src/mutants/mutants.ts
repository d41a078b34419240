import { applierDecisions } from '@millrace/applier';
import { captureDecisions } from '@millrace/capture';
import { lsn } from '@millrace/model';
import { allRules, rawReading } from '../raw-reading.js';
import type { Scenario } from '../scenario.js';
import type { Doubles } from '../world.js';
import { ignoringOwner, ignoringPosition, positionLast, renameAsDropAndAdd } from './careless-follower.js';
import { doubtTakenForSuccess, recordWithoutAcknowledgement, twoOutstanding } from './careless-log.js';

/** One rule of the protocol switched off. */
export interface Mutant {
  readonly rule: string;
  readonly broken: string;
  readonly doubles: Doubles;
  /** What the weather must be like for the rule to matter. */
  readonly fixed?: Partial<Scenario>;
  /** Shows in fewer than one seed in a few hundred: run it by the command, no test demands it. */
  readonly rare?: true;
  /** Where the search begins: a seed known to show it soon. Default 1. */
  readonly first?: number;
}

/** Much goes wrong with appends, and captures take over from each other. */
const stormy: Partial<Scenario> = {
  append: 0.15,
  nemesis_ms: 60,
  conditionalLog: false,
  deeds: ['kill-capture', 'pause-capture', 'second-capture', 'cut-leader'],
};
/** Appliers take over from each other. */
const crowded: Partial<Scenario> = {
  store: 0.02,
  nemesis_ms: 40,
  deeds: ['kill-applier', 'pause-applier', 'second-applier', 'restart-store'],
};
const restoring: Partial<Scenario> = {
  nemesis_ms: 60,
  deeds: ['restore-follower'],
  store: 0,
  append: 0,
  crash: 0,
};
const breaking: Partial<Scenario> = { nemesis_ms: 50, deeds: ['cut-leader', 'kill-capture'] };

export const mutants: readonly Mutant[] = [
  {
    rule: 'R1',
    broken: 'a commit is covered when its final LSN is at the position’s end',
    doubles: { capture: { ...captureDecisions, isCovered: (resume, commit) => commit <= resume.end } },
    fixed: breaking,
  },
  {
    rule: 'R2',
    broken: 'end + 1 is confirmed',
    doubles: { capture: { ...captureDecisions, flushed: ({ readBack }) => lsn(readBack.end + 1n) } },
    fixed: breaking,
  },
  {
    rule: 'R3',
    broken: 'a claim jumps over an epoch',
    doubles: { capture: { ...captureDecisions, nextEpoch: (epoch) => epoch + 2 } },
  },
  {
    rule: 'R6',
    first: 167,
    broken: 'streaming resumes from what was read before the claim',
    doubles: { capture: { ...captureDecisions, resumeFrom: ({ atRead }) => atRead } },
    fixed: stormy,
  },
  {
    rule: 'R7',
    broken: 'a slot ahead of the chain is taken as it is',
    doubles: {
      capture: { ...captureDecisions, slotVerdict: ({ empty }) => (empty ? 'adopt-slot' : 'continue') },
    },
    fixed: { nemesis_ms: 60, deeds: ['recreate-slot'] },
  },
  {
    rule: 'R8',
    broken: 'what is acknowledged is confirmed, before it is read back',
    doubles: { capture: { ...captureDecisions, flushed: ({ acknowledged }) => acknowledged.end } },
    fixed: stormy,
  },
  {
    rule: 'R10',
    broken: 'two requests are outstanding for one partition',
    doubles: { log: twoOutstanding },
    fixed: stormy,
  },
  {
    rule: 'R11',
    broken: 'the record is written before every partition has acknowledged',
    doubles: { log: recordWithoutAcknowledgement },
    fixed: { ...stormy, partitions: 3 },
  },
  {
    rule: 'R12',
    broken: 'an append of unknown outcome is taken for done',
    doubles: { log: doubtTakenForSuccess },
    fixed: stormy,
  },
  {
    rule: 'R14',
    broken: 'a keepalive moves the position past work in flight',
    doubles: { capture: { ...captureDecisions, mayRecordIdle: (keepalive, to) => keepalive > to.end } },
  },
  {
    rule: 'R18 (1)',
    rare: true,
    broken: 'events of other epochs are kept',
    doubles: { readers: { readEvents: rawReading({ ...allRules, epoch: false }) } },
    fixed: { ...stormy, part_bytes: 150 },
  },
  {
    rule: 'R18 (3)',
    first: 121,
    broken: 'repeated events are kept',
    doubles: { readers: { readEvents: rawReading({ ...allRules, growing: false }) } },
    fixed: { ...stormy, part_bytes: 150 },
  },
  {
    rule: 'R18 (count)',
    broken: 'missing events are not noticed',
    doubles: { readers: { readEvents: rawReading({ ...allRules, count: false }) } },
    fixed: { nemesis_ms: 40, deeds: ['lose-events', 'restore-follower', 'pause-applier'], append: 0 },
  },
  {
    rule: 'R21 (owner)',
    first: 25,
    broken: 'the owner is not compared',
    doubles: { follower: ignoringOwner },
    fixed: crowded,
  },
  {
    rule: 'R21 (position)',
    broken: 'the old position is not compared',
    doubles: { follower: ignoringPosition },
    fixed: { nemesis_ms: 30, deeds: ['restore-follower'], store: 0, append: 0, crash: 0 },
  },
  {
    rule: 'R22',
    broken: 'the position row is updated last, unchecked',
    doubles: { follower: positionLast },
    fixed: crowded,
  },
  {
    rule: 'R23',
    broken: 'nobody looks at the row',
    doubles: { applier: { ...applierDecisions, judgeRow: () => 'mine', wentBack: () => false } },
    fixed: restoring,
  },
  {
    rule: 'R24',
    broken: 'partitions are read one after the other',
    doubles: { readers: { readEvents: rawReading({ ...allRules, merge: false }) } },
    fixed: { partitions: 3, batch_events: 1_000 },
  },
  {
    rule: 'R29',
    broken: 'keys that the window touched are dropped instead of overlaid',
    doubles: { capture: { ...captureDecisions, overlay: () => undefined } },
    fixed: { slotFirst: true, history: 20, pause_ms: 15 },
  },
  {
    rule: 'R30 (watermarks)',
    rare: true,
    broken: 'watermarks of other epochs are taken',
    doubles: { capture: { ...captureDecisions, isOwnWatermark: () => true } },
    fixed: { nemesis_ms: 40, deeds: ['cut-leader'], append: 0.1, crash: 0, slotFirst: true, history: 20 },
  },
  {
    rule: 'R30 (exact)',
    broken: 'a snapshot begun before the follower’s anchor completes it',
    doubles: { applier: { ...applierDecisions, completes: () => true } },
    fixed: { nemesis_ms: 40, deeds: ['resync-follower'], slotFirst: true, history: 20 },
  },
  {
    rule: 'R31',
    broken: 'a failover is taken for the same history',
    doubles: {
      capture: { ...captureDecisions, forkVerdict: () => ({ kind: 'same' }), walVerdict: () => 'whole' },
    },
    fixed: { nemesis_ms: 60, deeds: ['fail-over'] },
  },
  {
    rule: 'R36',
    broken: 'a chunk is used although a commit before the window was not visible to it',
    doubles: { capture: { ...captureDecisions, windowVerdict: () => ({ usable: true }) } },
    fixed: { slotFirst: true, history: 20, pause_ms: 15 },
  },
  {
    rule: 'R37',
    first: 73,
    broken: 'a rename is read as a drop and an add',
    doubles: { follower: renameAsDropAndAdd },
  },
];
