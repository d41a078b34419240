import type { CodecFormat } from '@millrace/codec';
import { MemoryLogServer } from '@millrace/log';
import type { Allocation } from '../measure/allocation.js';
import { PassCounter } from '../measure/passes.js';
import { captureTape, codecOf } from '../playback/capture.js';
import { discardingLog } from '../playback/discarding-log.js';
import { stillClock } from '../playback/still-clock.js';
import { Tape, turn } from '../playback/tape.js';
import type { Recording } from '../recording/recording.js';

/** Turns of the loop after which everything that was played is published. */
const settling = 4;

/** pgoutput to packed records of a log that forgets them: the whole capture service. */
export async function capture(recording: Recording, format: CodecFormat): Promise<Allocation> {
  const tape = new Tape(recording);
  const counter = new PassCounter(recording);
  const log = discardingLog(new MemoryLogServer({ clock: stillClock }).open());
  await captureTape(tape, log, codecOf(format), async (decoder) => {
    while (!counter.done) {
      tape.wind();
      await counter.begin();
      await tape.play(decoder);
      for (let i = 0; i < settling; i++) await turn();
      await counter.end();
    }
  });
  return counter.least();
}
