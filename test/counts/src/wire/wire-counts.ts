import { createPostgresFollower } from '@millrace/follower-postgres';
import { silentLogger } from '@millrace/runtime';
import { pgDatabase, type TestDatabase } from '@millrace/test-support';
import { rounded } from '../gate/accepted.js';
import { type ApplyRequest, applyLog, filledLog } from '../playback/apply.js';
import { codecOf } from '../playback/capture.js';
import { stillClock } from '../playback/still-clock.js';
import { read_bytes, Tape } from '../playback/tape.js';
import { type Recording, type RecordingName, readRecording } from '../recording/recording.js';
import { CountingProxy, type Traffic } from './counting-proxy.js';

/** A recording, and how much of it shares a follower transaction. */
export interface WireCount {
  readonly recording: RecordingName;
  /** Leader transactions; undefined: the whole recording. */
  readonly group?: number;
}

export const wireCounts: readonly WireCount[] = [
  { recording: 'narrow' },
  { recording: 'single', group: 1 },
  { recording: 'single', group: 10 },
  { recording: 'single', group: 100 },
  { recording: 'wide' },
  { recording: 'types' },
];

export const titleOf = ({ recording, group }: WireCount): string =>
  `postgres ${recording}${group === undefined ? '' : `, ${group} transactions together`}`;

/** Statements are prepared and buffers found in the first pass; the second is counted. */
const passes = 2;
/** Smaller than any transaction: a read, and with it a record of the log, for each. */
const oneTransaction_bytes = 1;

/** Plays a recording into a real PostgreSQL 18 and counts what the second pass sends. */
export async function countWire({ recording, group }: WireCount): Promise<Readonly<Record<string, number>>> {
  const tape = new Tape(readRecording(recording), group === undefined ? read_bytes : oneTransaction_bytes);
  const { events, transactions } = tape.recording;
  await using database = await pgDatabase(18);
  await using proxy = await CountingProxy.startBefore(database.url);
  const follower = createPostgresFollower({
    url: proxy.urlThrough(database.url),
    name: 'counts',
    clock: stillClock,
    logger: silentLogger,
  });
  const sum = { statements: 0, roundTrips: 0, sent_bytes: 0, received_bytes: 0 };
  let before: Traffic = { ...sum };
  let isCounted = false;
  const codec = codecOf('avro');
  const request: ApplyRequest = {
    log: await filledLog(tape, passes, codec),
    codec,
    follower,
    end: tape.end(passes),
    ...(group === undefined ? {} : { group_records: group }),
    passEnd: () => tape.end(isCounted ? passes : 1),
    before: async () => {
      before = { ...proxy.traffic };
    },
    after: async (end) => {
      if (isCounted) add(sum, before, proxy.traffic);
      if (end < tape.end(1)) return;
      // The second pass finds what the first one found: tables without rows.
      if (!isCounted) await emptyTables(database, tape.recording);
      isCounted = true;
    },
  };
  try {
    await applyLog(request);
  } finally {
    await follower.close();
  }
  return {
    statements_per_transaction: hundredths(sum.statements / transactions),
    round_trips_per_transaction: hundredths(sum.roundTrips / transactions),
    sent_bytes_per_event: rounded(sum.sent_bytes / events),
    received_bytes_per_event: rounded(sum.received_bytes / events),
  };
}

async function emptyTables(database: TestDatabase, { relations }: Recording): Promise<void> {
  const client = await database.connect();
  try {
    for (const { name } of relations) await client.query(`TRUNCATE ${name}`);
  } finally {
    await client.end();
  }
}

const hundredths = (value: number): number => Math.round(value * 100) / 100;

function add(sum: Traffic, from: Traffic, to: Traffic): void {
  sum.statements += to.statements - from.statements;
  sum.roundTrips += to.roundTrips - from.roundTrips;
  sum.sent_bytes += to.sent_bytes - from.sent_bytes;
  sum.received_bytes += to.received_bytes - from.received_bytes;
}
