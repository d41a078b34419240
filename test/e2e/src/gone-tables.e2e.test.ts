import { describe, it } from 'vitest';
import { Mirror } from './mirror.js';
import { twoServers } from './two-servers.js';

const limit_ms = 400_000;

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
});
