import {
  type ConnectionFilter,
  pgDatabase,
  postgresVersions,
  startPostgres,
  TcpProxy,
  waitFor,
} from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { createPostgresSource } from './postgres-source.js';
import { Tap } from './recorder.sample.js';

const acquireTimeout_ms = 15_000;
/** The leader is killed so often. */
const rounds = 3;
const start = 'START_REPLICATION';
const pass = (bytes: Buffer) => ({ bytes, cut: false });

/** Cuts, once, whichever connection asks first after another one has started to stream. */
class CutBehindStart extends TcpProxy {
  static async before(url: string): Promise<CutBehindStart> {
    const { hostname, port } = new URL(url);
    let armed = 0;
    const filters = (): ConnectionFilter => {
      let isStream = false;
      const toServer = (bytes: Buffer) => {
        if (bytes.includes(start)) {
          isStream = true;
          armed++;
        }
        if (isStream || armed !== 1) return pass(bytes);
        armed++;
        return { bytes: Buffer.alloc(0), cut: true };
      };
      return { toServer, toClient: pass };
    };
    const proxy = new CutBehindStart({ host: hostname, port: Number(port) }, filters);
    await proxy.listen();
    return proxy;
  }
}

describe.each(postgresVersions)('a source on PostgreSQL %i', (version) => {
  it('whose connection for questions breaks while the slot is being taken lets go of the slot, and takes it again', async () => {
    await using database = await pgDatabase(version);
    const maker = await Tap.open(database);
    await maker.close();
    await using proxy = await CutBehindStart.before(database.url);
    const waits: string[] = [];
    const source = createPostgresSource({
      url: proxy.urlThrough(database.url),
      slot: `s_${database.name}`,
      publication: { name: 'millrace', create: true },
    });
    const session = await source.acquire({
      signal: AbortSignal.timeout(acquireTimeout_ms),
      onWait: (reason) => waits.push(reason),
    });
    expect(waits[0]).toMatch(/MR-2001/);
    expect(session.confirmed).toBeGreaterThan(0n);
    await session.close();
  });

  it('finds the WAL of a leader that was killed to end nowhere before what it had sent, also of commits that were not flushed', async () => {
    await using server = await startPostgres({ version, conf: { synchronous_commit: 'off' } });
    const database = { url: await server.createDatabase(), name: 'killed' };
    const name = new URL(database.url).pathname.slice(1);
    const client = await server.connect(name);
    await client.query('CREATE TABLE t (id serial PRIMARY KEY, x text)');
    await client.end();
    for (let round = 0; round < rounds; round++) {
      const tap = await Tap.streaming(database);
      const writer = await server.connect(name);
      for (let i = 0; i < 200; i++) await writer.query(`INSERT INTO t (x) VALUES ('row')`);
      await waitFor(() => tap.recorder.transactions.length > 100, { what: 'part of the load' });
      writer.on('error', () => {});
      await server.kill9();
      await tap.done.catch(() => {});
      const { transactions, keepalives } = tap.recorder;
      const sent = [transactions.at(-1)?.end ?? 0n, keepalives.at(-1) ?? 0n].reduce((a, b) =>
        a > b ? a : b,
      );
      await tap.close();
      await server.start();
      const again = await Tap.open(database);
      expect(again.session.wal.end).toBeGreaterThanOrEqual(sent);
      expect(again.session.wal.isReplaying).toBe(false);
      await again.close();
    }
  });
});
