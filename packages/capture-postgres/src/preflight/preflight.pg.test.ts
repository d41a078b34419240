import { type PostgresVersion, pgDatabase, postgresVersions, startPostgres } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { type Finding, preflight } from '../index.js';
import { Tap } from '../recorder.sample.js';

const short = (findings: readonly Finding[]): string[] =>
  findings.map(
    (finding) => `${finding.severity} ${finding.check}${finding.subject ? ` ${finding.subject}` : ''}`,
  );

/** One table of each kind that is trouble, but `extra`, which the publication p lacks, and `none`, which is not there. */
const troublesome = `CREATE TABLE keyless (a int); CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
  CREATE VIEW seen AS SELECT 1 AS one; CREATE TABLE gen (id int PRIMARY KEY, g int GENERATED ALWAYS AS (id) STORED);
  CREATE TABLE extra (id int PRIMARY KEY);
  CREATE PUBLICATION p FOR TABLE keyless, gen WITH (publish = 'insert')`;

const troubles = (slot: string): string[] =>
  [
    `error slot-mismatch ${slot}`,
    'error publication-lacks-tables p',
    'error table-identity public.keyless',
    'error table-kind public.seen',
    'error table-missing public.none',
    'error table-unlogged public.unlogged',
    'warning publication-actions p',
    'warning slot-wal-limit',
    'note table-generated-columns public.gen',
  ].sort();

describe.each(postgresVersions)('the preflight of PostgreSQL %i', (version: PostgresVersion) => {
  it('finds nothing to stop a leader that is ready, and agrees with a source that runs', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query('CREATE TABLE t (id int PRIMARY KEY)');
    const options = {
      url: database.url,
      slot: `s_${database.name}`,
      publication: { name: 'millrace', create: true },
    };
    await client.query('CREATE TABLE keyless (a int)');
    const configured = ['t', 'keyless'].map((name) => ({ schema: 'public', name }));
    expect(
      short(await preflight({ ...options, publication: { ...options.publication, tables: configured } })),
    ).toContain('error table-identity public.keyless');
    await client.query('DROP TABLE keyless');
    const before = await preflight(options);
    expect(before.filter((finding) => finding.severity === 'error')).toEqual([]);
    expect(short(before)).toContain('note publication-missing millrace');
    const tap = await Tap.streaming(database);
    const during = short(await preflight(options));
    expect(during.filter((line) => line !== 'warning slot-wal-limit')).toEqual([
      `note slot-busy s_${database.name}`,
    ]);
    await tap.close();
    await client.end();
  });

  it('names every trouble with tables, publication and slot, each with a fix that mends it', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query(troublesome);
    await client.query(`SELECT pg_create_logical_replication_slot('x_${database.name}', 'test_decoding')`);
    const names = ['keyless', 'unlogged', 'seen', 'gen', 'extra', 'none'];
    const tables = names.map((name) => ({ schema: 'public', name }));
    const publication = { name: 'p', create: false, tables };
    const findings = await preflight({ url: database.url, slot: `x_${database.name}`, publication });
    expect(short(findings).sort()).toEqual(troubles(`x_${database.name}`));
    const severities = findings.map((finding) => finding.severity);
    expect(severities).toEqual(
      severities.toSorted(
        (a, b) => ['error', 'warning', 'note'].indexOf(a) - ['error', 'warning', 'note'].indexOf(b),
      ),
    );
    const fix = (check: string) => findings.find((finding) => finding.check === check)?.fix ?? '';
    expect(fix('table-identity')).toMatch(/^ALTER TABLE "public"\."keyless" REPLICA IDENTITY FULL;/);
    await client.query('ALTER TABLE "public"."keyless" REPLICA IDENTITY FULL');
    await client.query(fix('table-unlogged'));
    await client.query(fix('publication-actions'));
    await client.query(
      'DROP VIEW seen; CREATE TABLE seen (id int PRIMARY KEY); CREATE TABLE "none" (id int PRIMARY KEY)',
    );
    await client.query(fix('publication-lacks-tables'));
    const again = await preflight({ url: database.url, slot: 'not_there_yet', publication });
    expect(short(again)).toEqual(['warning slot-wal-limit', 'note table-generated-columns public.gen']);
    await client.end();
  });

  it('names what the role lacks, and its fixes are enough to run', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    const role = `role_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'p'; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);
      CREATE TABLE guarded (id int PRIMARY KEY); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; GRANT SELECT ON guarded TO ${role};
      CREATE PUBLICATION millrace FOR TABLE t, guarded`);
    const url = new URL(database.url);
    url.username = role;
    url.password = 'p';
    const options = {
      url: url.href,
      slot: `s_${database.name}`,
      publication: { name: 'millrace', create: false },
    };
    const unpublished = {
      ...options,
      publication: { name: 'other', create: true, tables: [{ schema: 'public', name: 't' }] },
    };
    const owner = (await preflight(unpublished)).find((finding) => finding.check === 'publication-owner');
    expect(owner?.message).toContain('does not own public.t');
    await client.query(owner?.fix?.replace(/^.*?: /, '') ?? '');
    expect(short(await preflight(unpublished)).join()).not.toMatch(/publication/);
    const findings = await preflight(options);
    expect(short(findings)).toEqual([
      'error replication-privilege',
      'error table-row-security public.guarded',
      'error table-privilege public.t',
      'warning slot-wal-limit',
      'warning schema-announcements',
    ]);
    for (const finding of findings) {
      if (finding.severity === 'error') await client.query(finding.fix as string);
    }
    const trigger = findings.find((finding) => finding.check === 'schema-announcements')?.fix ?? '';
    await client.query(trigger.slice(trigger.indexOf('\n')));
    expect(short(await preflight(options))).toEqual(['warning slot-wal-limit']);
    const tap = await Tap.streaming({ url: url.href, name: database.name });
    await tap.caughtUp();
    await tap.close();
    await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await client.end();
  });

  it('tells of partitions that are published as one table, and of those with another identity', async () => {
    await using database = await pgDatabase(version);
    const client = await database.connect();
    await client.query(`CREATE TABLE p (id int PRIMARY KEY, x text NOT NULL) PARTITION BY RANGE (id);
      CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
      ALTER TABLE p REPLICA IDENTITY FULL; ALTER TABLE p2 REPLICA IDENTITY FULL;
      CREATE PUBLICATION p FOR TABLE p WITH (publish_via_partition_root = true)`);
    const options = {
      url: database.url,
      slot: `s_${database.name}`,
      publication: { name: 'p', create: false },
    };
    const findings = await preflight(options);
    const about = (list: readonly Finding[]): string[] =>
      short(list).filter((line) => /partition/.test(line));
    expect(about(findings)).toEqual(['warning partition-identity public.p', 'note partition-rows public.p']);
    const differs = findings.find(({ check }) => check === 'partition-identity');
    expect(differs?.message).toMatch(/: public\.p1\. /);
    await client.query(differs?.fix ?? '');
    expect(about(await preflight(options))).toEqual(['note partition-rows public.p']);
    await client.query('ALTER PUBLICATION p SET (publish_via_partition_root = false)');
    expect(about(await preflight(options))).toEqual([]);
    await client.end();
  });

  it('names settings that must change first', async () => {
    await using server = await startPostgres({
      version,
      conf: { wal_level: 'replica', max_replication_slots: '0', max_wal_senders: '1' },
    });
    const url = await server.createDatabase();
    const findings = await preflight({ url, slot: 's', publication: { name: 'p', create: true } });
    expect(short(findings)).toEqual(
      expect.arrayContaining(['error wal-level', 'error slots-left', 'warning senders-left']),
    );
    await expect(Tap.open({ url, name: 'x' })).rejects.toMatchObject({ code: 'MR-2003' });
  });

  it('sees a slot that lost its WAL, and so does a source', async () => {
    await using server = await startPostgres({
      version,
      conf: { max_slot_wal_keep_size: '1MB', max_wal_size: '32MB', min_wal_size: '32MB', wal_keep_size: '0' },
    });
    const database = { url: await server.createDatabase(), name: 'lost' };
    const client = await server.connect(new URL(database.url).pathname.slice(1));
    const tap = await Tap.streaming(database);
    await tap.close();
    await client.query('CREATE TABLE filler (x text)');
    for (let i = 0; i < 4; i++) {
      await client.query(`INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 20000)`);
      await client.query('SELECT pg_switch_wal()');
      await client.query('CHECKPOINT');
    }
    const options = { url: database.url, slot: 's_lost', publication: { name: 'millrace', create: true } };
    expect(short(await preflight(options))).toContain('error slot-lost s_lost');
    await expect(Tap.open(database)).rejects.toMatchObject({ code: 'MR-2005' });
    await client.end();
  });
});
