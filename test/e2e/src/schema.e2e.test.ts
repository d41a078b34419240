import { describe, expect, it } from 'vitest';
import { Mirror } from './mirror.js';
import { twoServers } from './two-servers.js';

const limit_ms = 400_000;

interface SchemaStory {
  readonly name: string;
  readonly table: string;
  readonly setUp?: readonly string[];
  readonly change: readonly string[];
}

/** Each has a table of its own, with rows before, and rows written before and after in the new shape. */
const story = (name: string, ...change: readonly string[]): SchemaStory => ({ name, table: name, change });

const stories: readonly SchemaStory[] = [
  story(
    'add_nullable',
    'ALTER TABLE add_nullable ADD d text',
    `UPDATE add_nullable SET d = 'set' WHERE id = 2`,
  ),
  story(
    'add_constant',
    `ALTER TABLE add_constant ADD d text NOT NULL DEFAULT 'it''s'`,
    'DELETE FROM add_constant WHERE id = 3',
  ),
  story(
    'add_array',
    `ALTER TABLE add_array ADD d int[] DEFAULT '{1,NULL}', ADD e timestamptz DEFAULT '2020-02-29 00:00+00'`,
  ),
  story('drop_one', 'ALTER TABLE drop_one DROP b', 'UPDATE drop_one SET c = 7 WHERE id = 1'),
  story(
    'rename_one',
    'ALTER TABLE rename_one RENAME b TO d',
    `UPDATE rename_one SET d = 'renamed' WHERE id = 1`,
  ),
  story(
    'swap_names',
    'BEGIN; ALTER TABLE swap_names RENAME b TO x; ALTER TABLE swap_names RENAME b2 TO b; ALTER TABLE swap_names RENAME x TO b2; COMMIT',
    `UPDATE swap_names SET b = 'B' WHERE id = 1`,
  ),
  story(
    'drop_add',
    'ALTER TABLE drop_add DROP b, ADD b text',
    `UPDATE drop_add SET b = 'new b' WHERE id = 1`,
  ),
  story(
    'drop_add_type',
    'ALTER TABLE drop_add_type DROP b',
    'ALTER TABLE drop_add_type ADD b int DEFAULT 5',
    'UPDATE drop_add_type SET b = 6 WHERE id = 1',
  ),
  story(
    'widen_text',
    'ALTER TABLE widen_text ALTER v TYPE varchar(200)',
    `UPDATE widen_text SET v = repeat('v', 150) WHERE id = 1`,
  ),
  story(
    'nullability',
    'ALTER TABLE nullability ALTER c SET NOT NULL, ALTER b DROP NOT NULL',
    'UPDATE nullability SET b = NULL WHERE id = 1',
  ),
  story(
    'new_default',
    `ALTER TABLE new_default ALTER b SET DEFAULT 'd'`,
    'INSERT INTO new_default (id, c) VALUES (60, 1)',
  ),
  story(
    'new_key',
    'ALTER TABLE new_key DROP CONSTRAINT new_key_pkey, ADD PRIMARY KEY (id, c)',
    'UPDATE new_key SET c = c + 1 WHERE id = 1',
    'DELETE FROM new_key WHERE id = 2',
  ),
  story(
    'to_full',
    'ALTER TABLE to_full REPLICA IDENTITY FULL',
    `UPDATE to_full SET b = 'full' WHERE id = 1`,
    'DELETE FROM to_full WHERE id = 2',
  ),
  story(
    'mixed',
    `BEGIN; UPDATE mixed SET b = 'one' WHERE id = 1; ALTER TABLE mixed ADD d int; UPDATE mixed SET d = 1 WHERE id = 1; ALTER TABLE mixed DROP c; INSERT INTO mixed (id, b, b2, v, d) VALUES (61, 'b', 'b2', 'v', 2); ALTER TABLE mixed RENAME d TO e; UPDATE mixed SET e = 3 WHERE id = 2; COMMIT`,
    'UPDATE mixed SET e = 9 WHERE id = 3',
  ),
  story(
    'reborn',
    `BEGIN; DELETE FROM reborn WHERE id < 15; ALTER TABLE reborn ADD d int; INSERT INTO reborn SELECT i, 'reborn', 'b2', i, 'v', i FROM generate_series(14, 1, -1) i; COMMIT`,
    'UPDATE reborn SET d = 9 WHERE id = 3',
  ),
  story(
    'rolled_back',
    `BEGIN; ALTER TABLE rolled_back ADD d int; UPDATE rolled_back SET d = 1; ROLLBACK`,
    `BEGIN; SAVEPOINT s; ALTER TABLE rolled_back DROP c; ROLLBACK TO s; UPDATE rolled_back SET c = 5 WHERE id = 1; COMMIT`,
  ),
  story(
    'add_unused',
    'ALTER TABLE add_unused ADD d int DEFAULT 1',
    'ALTER TABLE add_unused ADD e int DEFAULT 2',
    'ALTER TABLE add_unused DROP d',
    'ALTER TABLE add_unused RENAME e TO d',
  ),
  {
    ...story(
      'was_named',
      'ALTER TABLE was_named RENAME TO is_named',
      `UPDATE is_named SET b = 'r' WHERE id = 1`,
      `INSERT INTO is_named VALUES (62, 'b', 'b2', 3, 'v')`,
    ),
    table: 'is_named',
  },
  story(
    'made_anew',
    'DROP TABLE made_anew',
    'CREATE TABLE made_anew (key text PRIMARY KEY, other int)',
    'ALTER PUBLICATION millrace ADD TABLE made_anew',
    `INSERT INTO made_anew SELECT 'k' || i, i FROM generate_series(1, 9) i`,
  ),
  story(
    'swapped_a',
    'BEGIN; ALTER TABLE swapped_a RENAME TO swapped_x; ALTER TABLE swapped_b RENAME TO swapped_a; ALTER TABLE swapped_x RENAME TO swapped_b; COMMIT',
    `UPDATE swapped_a SET b = 'now a' WHERE id = 1`,
  ),
  { ...story('swapped_b', `UPDATE swapped_b SET b = 'now b' WHERE id = 1`) },
];

/** Old rows are not what the stream told of them: capture must stop or read the table again. */
const rewriting: readonly SchemaStory[] = [
  story(
    'rekeyed_inside',
    'BEGIN; UPDATE rekeyed_inside SET c = c + 1; DELETE FROM rekeyed_inside WHERE id = 4; ALTER TABLE rekeyed_inside DROP CONSTRAINT rekeyed_inside_pkey, ADD PRIMARY KEY (id, c); COMMIT',
    `UPDATE rekeyed_inside SET c = 0 WHERE id = 1`,
  ),
  story(
    'unkeyed_inside',
    `BEGIN; UPDATE unkeyed_inside SET c = c + 1; DELETE FROM unkeyed_inside WHERE id = 4; ALTER TABLE unkeyed_inside DROP CONSTRAINT unkeyed_inside_pkey, REPLICA IDENTITY FULL; UPDATE unkeyed_inside SET b = 'loose' WHERE id = 5; COMMIT`,
    `UPDATE unkeyed_inside SET c = 0 WHERE id = 1`,
  ),
  story(
    'retype_using',
    `ALTER TABLE retype_using ALTER c TYPE text USING 'n' || c`,
    `UPDATE retype_using SET c = 'x' WHERE id = 1`,
  ),
  story(
    'retype_wide',
    'ALTER TABLE retype_wide ALTER c TYPE bigint',
    'UPDATE retype_wide SET c = 9007199254740993 WHERE id = 1',
  ),
  story(
    'volatile_default',
    'ALTER TABLE volatile_default ADD d double precision DEFAULT random()',
    `UPDATE volatile_default SET b = 'v' WHERE id = 1`,
  ),
  story(
    'new_key_midway',
    'BEGIN; UPDATE new_key_midway SET c = c + 1; DELETE FROM new_key_midway WHERE id = 4; ALTER TABLE new_key_midway DROP CONSTRAINT new_key_midway_pkey, ADD PRIMARY KEY (id, c); COMMIT',
    'UPDATE new_key_midway SET c = c + 1 WHERE id = 1',
  ),
  story(
    'stored_serial',
    'ALTER TABLE stored_serial ADD d serial',
    `INSERT INTO stored_serial VALUES (63, 'b', 'b2', 3, 'v')`,
  ),
];

const make = ({ name }: SchemaStory): string[] => [
  `CREATE TABLE ${name} (id int PRIMARY KEY, b text NOT NULL, b2 text, c int, v varchar(10))`,
  `INSERT INTO ${name} SELECT i, 'b' || i, 'second', i, 'v' FROM generate_series(1, 20) i`,
];

describe.each([18, 15] as const)('schema changes on PostgreSQL %i (R37, R38)', (version) => {
  const servers = twoServers(version);

  it(
    'with the event trigger every change takes its place, and rewritten tables are read again under `repair`',
    async () => {
      const all = [...stories, ...rewriting];
      await using mirror = await Mirror.open({
        ...servers(),
        onSchemaUncertain: 'repair',
        setUp: all.flatMap(make),
      });
      mirror.start();
      await mirror.untilReplicaEqual();
      for (const { name } of all) await mirror.onLeader(`UPDATE ${name} SET c = c + 1 WHERE id < 10`);
      for (const { change } of all) await mirror.onLeader(...change);
      await mirror.onLeader(
        'CREATE TABLE newcomer (id int PRIMARY KEY, b text)',
        `INSERT INTO newcomer VALUES (1, 'before it is published')`,
        'ALTER PUBLICATION millrace ADD TABLE newcomer',
        `INSERT INTO newcomer VALUES (2, 'after')`,
        'CREATE TABLE fleeting (id int PRIMARY KEY)',
        'ALTER PUBLICATION millrace ADD TABLE fleeting',
        'INSERT INTO fleeting VALUES (1)',
        'DROP TABLE fleeting',
      );
      await mirror.untilEqual();
    },
    limit_ms,
  );

  it(
    'with the event trigger nothing is uncertain when capture was down meanwhile',
    async () => {
      await using mirror = await Mirror.open({ ...servers(), setUp: stories.flatMap(make) });
      mirror.start();
      await mirror.untilReplicaEqual();
      await mirror.stop();
      for (const { change } of stories) await mirror.onLeader(...change);
      mirror.start();
      await mirror.untilEqual();
    },
    limit_ms,
  );

  it.each([
    ['while capture runs', false],
    ['while capture is down', true],
  ])(
    'without the event trigger a change %s is equality, or a table read again, never a silent difference',
    async (_when, down) => {
      const all = [...stories, ...rewriting];
      await using mirror = await Mirror.open({
        ...servers(),
        ddlEvents: 'off',
        onSchemaUncertain: 'repair',
        setUp: all.flatMap(make),
      });
      mirror.start();
      await mirror.untilReplicaEqual();
      if (down) await mirror.stop();
      for (const { change } of all) await mirror.onLeader(...change);
      // Without the trigger a change shows with the table's next event.
      await mirror.onLeader(
        `INSERT INTO add_array VALUES (99, 'b')`,
        `INSERT INTO add_unused VALUES (99, 'b')`,
      );
      if (down) mirror.start();
      await mirror.untilEqual();
    },
    limit_ms,
  );

  it(
    'without the event trigger an uncertain change stops capture with a remedy that works',
    async () => {
      const [renamed] = [
        story('told', 'ALTER TABLE told RENAME b TO d', 'ALTER TABLE told ADD b int DEFAULT 4'),
      ];
      await using mirror = await Mirror.open({
        ...servers(),
        ddlEvents: 'off',
        setUp: make(renamed as SchemaStory),
      });
      mirror.start();
      await mirror.untilReplicaEqual();
      await mirror.stop();
      await mirror.onLeader(
        `UPDATE told SET c = 0 WHERE id = 1`,
        ...(renamed as SchemaStory).change,
        `UPDATE told SET c = 1 WHERE id = 1`,
      );
      mirror.start();
      await mirror.untilSaid('MR-2010');
      await mirror.untilSaid('millrace resync --table public.told');
      await mirror.stop();
      const order = await mirror.command('resync', '--table', 'public.told').exited;
      expect(order.code).toBe(0);
      mirror.start();
      await mirror.untilEqual();
    },
    limit_ms,
  );
});
