import { describe, it } from 'vitest';
import { Mirror } from './mirror.js';
import { twoServers } from './two-servers.js';

const limit_ms = 400_000;
/** The older server proves the kinds, the newer one the size too. */
const rowsOf = { 15: 20_000, 18: 300_000 } as const;

describe.each([18, 15] as const)(
  'transactions of every kind on PostgreSQL %i (promises 1 to 3)',
  (version) => {
    const servers = twoServers(version, { max_prepared_transactions: '5' });

    it(
      'prepared, interleaved, rolled back in part, huge, and of other replication origins end as on the leader',
      async () => {
        await using mirror = await Mirror.open({
          ...servers(),
          setUp: [
            'CREATE TABLE t (id int PRIMARY KEY, v text)',
            'CREATE TABLE u (id int PRIMARY KEY, v text UNIQUE DEFERRABLE INITIALLY DEFERRED)',
            `INSERT INTO u VALUES (1, 'a'), (2, 'b')`,
          ],
        });
        mirror.start();
        await mirror.untilReplicaEqual();
        const other = await mirror.anotherClient();
        try {
          await mirror.onLeader(
            `BEGIN; INSERT INTO t VALUES (1, 'kept'); SAVEPOINT a; INSERT INTO t VALUES (2, 'gone'); SAVEPOINT b; UPDATE t SET v = 'gone' WHERE id = 1; ROLLBACK TO a; INSERT INTO t VALUES (2, 'new'); RELEASE a; COMMIT`,
            'BEGIN',
            `INSERT INTO t VALUES (10, 'first to begin')`,
          );
          await other.query(`INSERT INTO t VALUES (11, 'first to commit')`);
          await other.query(`BEGIN; UPDATE t SET v = 'prepared' WHERE id = 2; PREPARE TRANSACTION 'p1'`);
          await other.query(`BEGIN; INSERT INTO t VALUES (12, 'never'); PREPARE TRANSACTION 'p2'`);
          await mirror.onLeader('COMMIT', `UPDATE u SET v = CASE id WHEN 1 THEN 'b' ELSE 'a' END`);
          // A capture that starts anew between PREPARE and COMMIT PREPARED must still deliver what was prepared (R15).
          await mirror.stop();
          await other.query(`COMMIT PREPARED 'p1'`);
          await other.query(`ROLLBACK PREPARED 'p2'`);
          mirror.start();
          await mirror.onLeader(
            `SELECT pg_logical_emit_message(true, 'others', repeat('x', 100000)), pg_logical_emit_message(false, 'millrace', 'not ours'), pg_logical_emit_message(true, 'millrace.ddl', '{"v":99}')`,
            `SELECT pg_replication_origin_create('elsewhere')`,
            `SELECT pg_replication_origin_session_setup('elsewhere')`,
            `BEGIN; SELECT pg_replication_origin_xact_setup('0/ABC', now()); INSERT INTO t VALUES (20, 'from elsewhere'); COMMIT`,
            'SELECT pg_replication_origin_session_reset()',
            `INSERT INTO t SELECT 1000 + i, 'row ' || i FROM generate_series(1, ${rowsOf[version]}) i`,
            `DELETE FROM t WHERE id > 1000 AND id % 7 = 0`,
            'UPDATE t SET id = -id WHERE id > 1000 AND id % 1000 = 1',
            `BEGIN; UPDATE t SET v = 'x' WHERE id > 1000 AND id % 3 = 0; ROLLBACK`,
          );
          await mirror.untilEqual();
        } finally {
          await other.end();
        }
      },
      limit_ms,
    );

    it(
      'a table that stands in the follower already is refused loudly, and taken over when empty',
      async () => {
        await using mirror = await Mirror.open({
          ...servers(),
          setUp: ['CREATE TABLE t (id int PRIMARY KEY, v text)', `INSERT INTO t VALUES (1, 'leader')`],
        });
        await mirror.replica.query(
          `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (9, 'follower')`,
        );
        mirror.start();
        await mirror.untilSaid('MR-4008');
        await mirror.stop();
        await mirror.replica.query('DELETE FROM t');
        mirror.start();
        await mirror.untilEqual();
      },
      limit_ms,
    );
  },
);
