import { setTimeout as sleep } from 'node:timers/promises';
import type { PgServer } from '@millrace/test-support';
import type pg from 'pg';

const pause_ms = 60;
const large = `repeat(md5(random()::text), 200)`;

export async function prepareBarriers(leader: pg.Client): Promise<void> {
  await leader.query(
    `CREATE TABLE scratch (id int PRIMARY KEY, step int, note text);
     ALTER TABLE scratch ALTER COLUMN note SET STORAGE EXTERNAL`,
  );
}

/**
 * Works on a table of its own so that every kind of barrier occurs (R26) until `signal` aborts: truncates, key changes that
 * leave a large column out, new columns; between them keys that move between partitions. Returns how many statements that were.
 */
export async function runBarriers(leader: PgServer, signal: AbortSignal): Promise<number> {
  const client = await leader.connect();
  let statements = 0;
  try {
    for (let step = 0; !signal.aborted; step++) {
      for (const sql of statementsOf(step)) {
        await client.query(sql);
        statements++;
      }
      await sleep(pause_ms);
    }
    return statements;
  } finally {
    await client.end();
  }
}

function statementsOf(step: number): string[] {
  const insert = `INSERT INTO scratch (id, step, note) VALUES (${step * 10}, ${step}, ${large}), (${step * 10 + 1}, ${step}, 'small')`;
  if (step % 40 === 39) return ['TRUNCATE scratch', insert];
  if (step % 60 === 30) return [`ALTER TABLE scratch ADD COLUMN extra${step} int DEFAULT ${step}`, insert];
  // The note is large and spared: the new image lacks it.
  if (step % 10 === 5) return [insert, `UPDATE scratch SET id = -id WHERE step = ${step - 1} AND id > 0`];
  return [
    insert,
    `UPDATE scratch SET step = step + 1, note = 'moved' WHERE id % 7 = ${step % 7} AND note <> 'moved'`,
    `UPDATE scratch SET id = id + 1000000 WHERE step = ${step - 2} AND note = 'small'`,
    `DELETE FROM scratch WHERE step = ${step - 5}`,
  ];
}

/** The table as text, whatever columns it has; undefined while there is none. */
export async function scratchText(server: PgServer): Promise<string | undefined> {
  const client = await server.connect();
  try {
    const { rows } = await client.query<{ text: string | null }>(
      `SELECT CASE WHEN to_regclass('public.scratch') IS NOT NULL THEN (
         SELECT string_agg(md5(row), ' ' ORDER BY row)
         FROM (SELECT (xpath('/row', x))[1]::text AS row
               FROM unnest(xpath('/table/row', table_to_xml('public.scratch', true, false, ''))) x) r) END AS text`,
    );
    return rows[0]?.text ?? undefined;
  } finally {
    await client.end();
  }
}
