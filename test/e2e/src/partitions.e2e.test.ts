import { describe, expect, it } from 'vitest';
import { Mirror, type MirrorOptions } from './mirror.js';
import { twoServers } from './two-servers.js';

const limit_ms = 400_000;

const years = (from: number, to: number): string => `FOR VALUES FROM ('${from}-01-01') TO ('${to}-01-01')`;
const made = (year: number): string => `CREATE TABLE m_${year} PARTITION OF m ${years(year, year + 1)}`;
const fill = (year: number): string =>
  `INSERT INTO m SELECT i, '${year}-01-01'::date + i, 'row' FROM generate_series(0, 99) i`;

/** Partitions published as their root. */
const monthly: Pick<MirrorOptions, 'tables' | 'setUp'> = {
  tables: ['public.m'],
  setUp: [
    'CREATE TABLE m (id int, day date, x text NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)',
    ...[2020, 2021, 2022, 2023].flatMap((year) => [made(year), fill(year)]),
    'CREATE PUBLICATION millrace FOR TABLE m WITH (publish_via_partition_root = true)',
  ],
};

describe.each([18, 15] as const)('partitions that come and go with rows on PostgreSQL %i', (version) => {
  const servers = twoServers(version);

  it(
    'have their table read again under `repair`, also when capture was down meanwhile',
    async () => {
      await using mirror = await Mirror.open({ ...servers(), ...monthly, onSchemaUncertain: 'repair' });
      mirror.start();
      await mirror.untilReplicaEqual();
      await mirror.onLeader('ALTER TABLE m DETACH PARTITION m_2020');
      await mirror.untilReplicaEqual();
      await mirror.onLeader('TRUNCATE m_2021', 'DROP TABLE m_2022');
      await mirror.untilReplicaEqual();
      await mirror.onLeader(`ALTER TABLE m ATTACH PARTITION m_2020 ${years(2020, 2021)}`);
      await mirror.untilReplicaEqual();
      await mirror.stop();
      await mirror.onLeader('DROP TABLE m_2023', fill(2021));
      mirror.start();
      await mirror.untilEqual();
    },
    limit_ms,
  );

  it(
    'stop capture with a remedy that works, and a new one that is filled by inserts does not',
    async () => {
      await using mirror = await Mirror.open({ ...servers(), ...monthly });
      mirror.start();
      await mirror.untilReplicaEqual();
      await mirror.onLeader(made(2024), fill(2024));
      await mirror.untilReplicaEqual();
      await mirror.stop();
      await mirror.onLeader(made(2025), fill(2025));
      mirror.start();
      await mirror.untilReplicaEqual();
      // Followers have the root alone, although the server describes every partition beside it.
      const { rows } = await mirror.replica.query(`SELECT FROM pg_class WHERE relname ~ '^m_20..$'`);
      expect(rows).toEqual([]);
      await mirror.onLeader('ALTER TABLE m DETACH PARTITION m_2020');
      await mirror.untilSaid('MR-2010');
      await mirror.untilSaid('partition public.m_2020 was detached or dropped');
      await mirror.stop();
      mirror.start();
      await mirror.untilSaid('MR-2010');
      await mirror.stop();
      expect((await mirror.command('resync', '--table', 'public.m').exited).code).toBe(0);
      mirror.start();
      await mirror.untilEqual();
    },
    limit_ms,
  );
});
