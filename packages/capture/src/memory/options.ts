import type { Relation } from '@millrace/model';
import type { Clock } from '@millrace/runtime';
import type { MemoryLeader } from './leader.js';

/** What a source over a memory leader is made of. */
export interface MemorySourceOptions {
  readonly leader: MemoryLeader;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Messages handed over between two questions for room, at most. */
  readonly readMessages?: number;
  /** Delay of one read from the connection, milliseconds. */
  readonly latency_ms?: () => number;
  /** Pause between keepalives on an idle connection. */
  readonly keepalive_ms?: number;
  /** Values of at least this many characters are spared by updates that do not change them. */
  readonly large_characters?: number;
  /** Called at the stages of a window's read, so that a simulation can put transactions there. A promise: the read waits. */
  readonly onWindow?: (
    stage: 'before-low' | 'before-read' | 'before-high',
    relation: Relation,
  ) => Promise<void> | void;
}
