import { type Capture, createCapture } from '@millrace/capture';
import { createPostgresSource } from '@millrace/capture-postgres';
import { createCodec, tableSchemaStore } from '@millrace/codec';
import { type Lsn, parseLsn } from '@millrace/model';
import { createLogger, systemClock } from '@millrace/runtime';
import { wallClock_ms } from '../../measure/walsender.js';
import { ChainCounter } from '../chain-counter.js';
import { DiscardingLog } from './discarding-log.js';
import type { DiscardOrder, FromChild, ToChild } from './messages.js';

/** Entry point of the process that captures and discards: what `millrace capture` does, in front of another log. */

const version = '0.1.0';
/** How exactly a drain's end is told. */
const look_ms = 5;

const log = new DiscardingLog();
const counter = new ChainCounter(log);
let stop = new AbortController();

const say = (message: FromChild): void => {
  process.send?.(message);
};

function captureFor({ leaderUrl, slot, publication }: DiscardOrder): Capture {
  const logger = createLogger('error');
  return createCapture({
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
}

/** Says once each that the capture streams and that it has come to `until`. Returns how to stop looking. */
function announce(capture: Capture, until: Lsn | undefined): () => void {
  let streaming = false;
  const timer = setInterval(() => {
    const { state, published } = capture.status();
    if (!streaming && state.name === 'stream') {
      streaming = true;
      say({ kind: 'streaming' });
    }
    if (until === undefined ? !streaming : published.end < until) return;
    clearInterval(timer);
    if (until !== undefined) say({ kind: 'reached', at_ms: wallClock_ms() });
  }, look_ms);
  return () => clearInterval(timer);
}

/** Runs the capture until it is stopped. */
async function run(order: DiscardOrder, until: Lsn | undefined, signal: AbortSignal): Promise<void> {
  await counter.read();
  const before = counter.events;
  const capture = captureFor(order);
  const hush = announce(capture, until);
  try {
    await capture.run(signal);
  } finally {
    hush();
  }
  await counter.read();
  say({ kind: 'stopped', events: counter.events - before });
}

process.on('message', (message: ToChild) => {
  if (message.kind === 'stop') {
    stop.abort();
    return;
  }
  stop = new AbortController();
  const until = message.until === undefined ? undefined : parseLsn(message.until);
  run(message.order, until, stop.signal).catch((error: unknown) =>
    say({ kind: 'failed', error: error instanceof Error ? error.message : String(error) }),
  );
});
// Its parent is gone, however that ended.
process.on('disconnect', () => process.exit());
say({ kind: 'ready' });
