import type { CodecFormat } from '@millrace/codec';
import type { Follower } from '@millrace/follower';
import type { Allocation } from '../measure/allocation.js';
import { PassCounter } from '../measure/passes.js';
import { applyLog, filledLog } from '../playback/apply.js';
import { codecOf } from '../playback/capture.js';
import { DiscardingFollower } from '../playback/discarding-follower.js';
import { Tape } from '../playback/tape.js';
import type { Recording } from '../recording/recording.js';

/** From a log in memory into a follower, a pass per follower transaction: the whole applier. */
export async function applyTo(
  recording: Recording,
  format: CodecFormat,
  follower: Follower,
): Promise<Allocation> {
  const tape = new Tape(recording);
  const counter = new PassCounter(recording);
  const codec = codecOf(format);
  const log = await filledLog(tape, counter.passes, codec);
  let isOpen = false;
  await applyLog({
    log,
    codec,
    follower,
    end: tape.end(counter.passes),
    passEnd: () => tape.end(counter.ended + 1),
    before: async () => {
      // A pass with a barrier takes several transactions.
      if (!isOpen) await counter.begin();
      isOpen = true;
    },
    after: async (end) => {
      if (end < tape.end(counter.ended + 1)) return;
      isOpen = false;
      await counter.end();
      if (end !== tape.end(counter.ended)) throw new Error(`pass ${counter.ended} ended at ${end}`);
    },
  });
  return counter.least();
}

/** Reading, decoding, coalescing: what every follower needs. */
export const apply = (recording: Recording, format: CodecFormat): Promise<Allocation> =>
  applyTo(recording, format, new DiscardingFollower());
