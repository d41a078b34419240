import { createCapture } from '@millrace/capture';
import { createPostgresSource } from '@millrace/capture-postgres';
import { createCodec, tableSchemaStore } from '@millrace/codec';
import { createLogger, systemClock } from '@millrace/runtime';
import { wallClock_ms } from '../../measure/walsender.js';
import { DiscardingLog } from './discarding-log.js';
import type { DiscardOrder, FromChild, ToChild } from './messages.js';

/** Entry point of the process that captures and discards: nothing but what `millrace capture` does runs in it. */

const version = '0.1.0';
const poll_ms = 20;

const say = (message: FromChild): void => {
  process.send?.(message);
};

/** Events discarded in this run, and how many there are to be told of. */
let discarded = 0;
let wanted = 0;
let stop = new AbortController();

const log = new DiscardingLog((events) => {
  // One message at the end: one per record would be work that no real capture has.
  if (discarded < wanted && discarded + events >= wanted) say({ kind: 'reached', at_ms: wallClock_ms() });
  discarded += events;
});

/** Runs the capture until it is stopped. */
async function run({ leaderUrl, slot, publication }: DiscardOrder, signal: AbortSignal): Promise<void> {
  const logger = createLogger('error');
  const capture = createCapture({
    source: createPostgresSource({
      url: leaderUrl,
      slot,
      publication: { name: publication, create: false },
      clock: systemClock,
      logger,
    }),
    log,
    codec: createCodec({
      format: 'avro',
      preset: 'lossless',
      schemas: tableSchemaStore(log.table('schemas')),
      connectorName: slot,
      database: 'postgres',
      version,
    }),
    pipeline: { topicPrefix: slot, partitions: 1 },
    surroundings: { clock: systemClock, logger, random: Math.random },
    host: 'bench',
    pid: process.pid,
    version,
  });
  const timer = setInterval(() => {
    if (capture.status().state.name !== 'stream') return;
    clearInterval(timer);
    say({ kind: 'streaming' });
  }, poll_ms);
  try {
    await capture.run(signal);
  } finally {
    clearInterval(timer);
  }
}

process.on('message', (message: ToChild) => {
  if (message.kind === 'stop') {
    stop.abort();
    return;
  }
  stop = new AbortController();
  discarded = 0;
  wanted = message.events;
  run(message.order, stop.signal).then(
    () => say({ kind: 'stopped', events: discarded }),
    (error: unknown) =>
      say({ kind: 'failed', error: error instanceof Error ? error.message : String(error) }),
  );
});
// Its parent is gone, however that ended.
process.on('disconnect', () => process.exit());
say({ kind: 'ready' });
