import { createCapture } from '@millrace/capture';
import { type Codec, type CodecFormat, createCodec, memorySchemaStore } from '@millrace/codec';
import type { Log } from '@millrace/log';
import { type Play, recordedSource } from './source.js';
import { stillSurroundings } from './still-clock.js';
import type { Tape } from './tape.js';

/** Beyond any run: what the clock brings stays away. */
const never_ms = 24 * 3_600_000;

export const codecOf = (format: CodecFormat): Codec =>
  createCodec({
    format,
    preset: 'lossless',
    schemas: memorySchemaStore(),
    connectorName: 'recorded',
    database: 'recorded',
    version: 'recorded',
  });

/** Runs the real capture service on a tape until `play` has resolved. */
export async function captureTape(tape: Tape, log: Log, codec: Codec, play: Play): Promise<void> {
  const stop = new AbortController();
  const capture = createCapture({
    source: recordedSource(tape, async (decoder, signal) => {
      await play(decoder, signal);
      stop.abort();
    }),
    log,
    codec,
    pipeline: { topicPrefix: 'recorded', partitions: 1 },
    surroundings: stillSurroundings,
    host: 'recorded',
    pid: 1,
    version: 'recorded',
    limits: { followers_ms: never_ms, catalogue_ms: never_ms, checkpoint_ms: never_ms, trim_ms: never_ms },
  });
  await capture.run(stop.signal);
  const { state } = capture.status();
  if (state.name !== 'stopped' || 'fault' in state) throw new Error(`the capture ended in ${state.name}`);
}
