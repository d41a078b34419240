import type { Allocation } from '../measure/allocation.js';
import type { Recording } from '../recording/recording.js';

/** One part of the way from leader to follower, run on a recording; resolves with what one pass over it allocates. */
export type Stage = (recording: Recording) => Promise<Allocation>;
