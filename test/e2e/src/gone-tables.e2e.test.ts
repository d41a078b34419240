import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { Mirror } from './mirror.js';
import { twoServers } from './two-servers.js';

const limit_ms = 400_000;
/** Longer than the pause between two looks at the catalogue. */
const looked_ms = 12_000;

const fleeting = (name: string): string[] => [
  `CREATE TABLE ${name} (id int PRIMARY KEY, b text)`,
  `INSERT INTO ${name} SELECT i, 'b' FROM generate_series(1, 50) i`,
  `DROP TABLE ${name}`,
];

describe.each([18, 15] as const)('tables that go as they came on PostgreSQL %i', (version) => {
  const servers = twoServers(version);

  it(
    'leave everything else going, whether capture runs or is down, and are read when they are made anew',
    async () => {
      await using mirror = await Mirror.open({
        ...servers(),
        setUp: [
          'CREATE TABLE kept (id int PRIMARY KEY, b text)',
          `INSERT INTO kept VALUES (1, 'before')`,
          'CREATE PUBLICATION millrace FOR ALL TABLES',
        ],
      });
      mirror.start();
      await mirror.untilReplicaEqual();
      for (let i = 0; i < 5; i++) await mirror.onLeader(...fleeting(`staging_${i}`));
      await mirror.onLeader(
        'BEGIN; CREATE TABLE waited_for (id int PRIMARY KEY); INSERT INTO waited_for VALUES (1); COMMIT',
        'BEGIN; DROP TABLE waited_for; SELECT pg_sleep(2); COMMIT',
        `INSERT INTO kept VALUES (2, 'while it runs')`,
      );
      await mirror.untilReplicaEqual();
      await mirror.stop();
      await mirror.onLeader(
        ...fleeting('down'),
        ...fleeting('anew'),
        'CREATE TABLE anew (id int PRIMARY KEY, other int, more text)',
        'INSERT INTO anew SELECT i, i FROM generate_series(1, 30) i',
        `INSERT INTO kept VALUES (3, 'while it was down')`,
      );
      mirror.start();
      await mirror.untilEqual();
    },
    limit_ms,
  );

  it(
    'are read again when they leave the publication and come back, however soon, and whether capture runs or is down',
    async () => {
      const table = (name: string): string[] => [
        `CREATE TABLE ${name} (id int PRIMARY KEY, b text)`,
        `INSERT INTO ${name} SELECT i, 'b' FROM generate_series(1, 50) i`,
      ];
      const untold = (name: string): string[] => [
        `ALTER PUBLICATION millrace DROP TABLE ${name}`,
        `DELETE FROM ${name} WHERE id < 10; UPDATE ${name} SET b = 'untold' WHERE id > 40; INSERT INTO ${name} VALUES (60, 'untold')`,
        `ALTER PUBLICATION millrace ADD TABLE ${name}`,
        `INSERT INTO ${name} VALUES (70, 'told')`,
      ];
      await using mirror = await Mirror.open({
        ...servers(),
        setUp: [...table('kept'), ...table('away'), ...table('away_down')],
      });
      mirror.start();
      await mirror.untilReplicaEqual();
      // A look at the catalogue has noted how they are published.
      await sleep(looked_ms);
      await mirror.onLeader(...untold('away'));
      await mirror.untilReplicaEqual();
      await mirror.stop();
      await mirror.onLeader(...untold('away_down'), `UPDATE kept SET b = 'kept' WHERE id = 1`);
      mirror.start();
      await mirror.untilEqual();
    },
    limit_ms,
  );
});
