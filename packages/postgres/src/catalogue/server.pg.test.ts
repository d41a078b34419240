import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { postgresVersions, startPostgres } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { PgSession } from '../connection/session.js';
import { readWalEnd, type WalEnd } from './server.js';

async function walEndOf(url: string): Promise<WalEnd> {
  const session = await PgSession.open(url, { role: 'leader' });
  try {
    return await readWalEnd(session);
  } finally {
    await session.close();
  }
}

describe.each(postgresVersions)('where the WAL of PostgreSQL %i ends', (version) => {
  it('is told of a leader and of a standby, and which of them it is', async () => {
    await using server = await startPostgres({ version });
    const before = await walEndOf(server.url);
    expect(before.isReplaying).toBe(false);
    const client = await server.connect();
    await client.query('CREATE TABLE t AS SELECT g FROM generate_series(1, 1000) g');
    await client.end();
    const after = await walEndOf(server.url);
    expect(after.end).toBeGreaterThan(before.end);
    await server.stop();
    await writeFile(join(server.dataDir, 'standby.signal'), '');
    await server.start();
    const standby = await walEndOf(server.url);
    expect(standby.isReplaying).toBe(true);
    expect(standby.end).toBeGreaterThanOrEqual(after.end);
  });
});
