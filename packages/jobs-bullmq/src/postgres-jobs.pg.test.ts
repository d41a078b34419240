import { describeJobRunnerConformance } from '@millrace/jobs/conformance';
import { pgDatabase, type TestDatabase } from '@millrace/test-support';
import { afterAll, beforeAll } from 'vitest';
import { postgresServer } from './postgres-server.js';
import { bullHarness } from './testing/harness.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await pgDatabase(18);
});
afterAll(() => database.drop());

describeJobRunnerConformance('BullMQ on PostgreSQL', async () =>
  bullHarness(postgresServer(database.url), database.url),
);
