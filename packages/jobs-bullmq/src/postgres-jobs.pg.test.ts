import { describeJobRunnerConformance } from '@millrace/jobs/conformance';
import { Fault, silentLogger, systemClock } from '@millrace/runtime';
import {
  connectTo,
  type PgServer,
  pgDatabase,
  startPostgres,
  type TestDatabase,
} from '@millrace/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BullJobs } from './bull-jobs.js';
import { postgresServer } from './postgres-server.js';
import { bullHarness, freshQueue } from './testing/harness.sample.js';
import {
  closeWithoutServer,
  type Outage,
  startWithoutServer,
  surviveOutage,
} from './testing/outages.sample.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await pgDatabase(18);
});
afterAll(() => database.drop());

describeJobRunnerConformance('BullMQ on PostgreSQL', async () =>
  bullHarness(postgresServer(database.url), database.url),
);

describe('BullMQ on a PostgreSQL server that fails', () => {
  let postgres: PgServer;
  let outage: Outage;
  beforeAll(async () => {
    postgres = await startPostgres({ version: 18 });
    outage = {
      server: postgresServer(postgres.url),
      kill: () => postgres.stop('immediate'),
      start: () => postgres.start(),
    };
  });
  afterAll(() => postgres.remove());

  it(
    'promise 10: waits visibly while it is down, does not spin, and loses no job',
    () => surviveOutage(outage),
    60_000,
  );
  it('starts without it, and works once it is there', () => startWithoutServer(outage), 60_000);
  it('closes in time while it is down', () => closeWithoutServer(outage), 60_000);
});

it('refuses the database that is captured before it writes anything', async () => {
  await using captured = await pgDatabase(18);
  const client = await connectTo(captured.url);
  const slot = `jobs_${process.pid}`;
  await client.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
  try {
    const runner = new BullJobs({
      server: postgresServer(captured.url),
      queueName: freshQueue(),
      retry: { backoff: { first_ms: 1, max_ms: 1, factor: 1 }, attempts_max: 1 },
      surroundings: { clock: systemClock, logger: silentLogger, random: () => 0 },
    });
    await expect(runner.start(async () => ({ kind: 'done' }))).rejects.toMatchObject({
      code: 'MR-6005',
      detail: expect.stringContaining(slot),
    });
    await runner.close(0);
    const found = await client.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'bullmq'`);
    expect(found.rowCount).toBe(0);
  } finally {
    await client.query(`SELECT pg_drop_replication_slot('${slot}')`);
    await client.end();
  }
});

it('tells a refused password, a missing privilege and a missing database apart from a server that is away', async () => {
  const wrong = (change: (url: URL) => void): string => {
    const url = new URL(database.url);
    change(url);
    return url.href;
  };
  const codeFor = async (url: string): Promise<string> => {
    const fault = await postgresServer(url)
      .prepare()
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    return fault instanceof Fault ? fault.code : 'none';
  };
  expect(
    await codeFor(
      wrong((url) => {
        url.username = 'nobody_here';
      }),
    ),
  ).toBe('MR-6004');
  expect(
    await codeFor(
      wrong((url) => {
        url.pathname = '/nowhere';
      }),
    ),
  ).toBe('MR-6008');
  expect(
    await codeFor(
      wrong((url) => {
        url.port = '1';
      }),
    ),
  ).toBe('MR-6003');
});
