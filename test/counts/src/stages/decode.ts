import type { SourceSink } from '@millrace/capture';
import type { Allocation } from '../measure/allocation.js';
import { PassCounter } from '../measure/passes.js';
import { decoderOf } from '../playback/source.js';
import { Tape } from '../playback/tape.js';
import type { Recording } from '../recording/recording.js';

const nothing = (): undefined => undefined;

/** A sink that takes everything and keeps nothing. */
export const emptySink: SourceSink = {
  begin: nothing,
  change: nothing,
  watermark: nothing,
  commit: nothing,
  keepalive: nothing,
  relation: nothing,
  room: nothing,
};

/** pgoutput to changes, nothing behind it. */
export async function decode(recording: Recording, sink: SourceSink = emptySink): Promise<Allocation> {
  const tape = new Tape(recording);
  const decoder = decoderOf(recording, sink, recording.relations);
  const counter = new PassCounter(recording);
  while (!counter.done) {
    tape.wind();
    await counter.begin();
    await tape.play(decoder);
    await counter.end();
  }
  return counter.least();
}
