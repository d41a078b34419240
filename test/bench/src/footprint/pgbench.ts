import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { clientProgram } from '../contestants/client-program.js';
import type { Stand } from '../contestants/contestant.js';

const run = promisify(execFile);

export interface PgbenchOptions {
  readonly clients: number;
  readonly seconds: number;
  /** Transactions per second that are asked for, as a Poisson process; as many as go, if absent. */
  readonly rate?: number;
  readonly signal: AbortSignal;
}

export interface PgbenchResult {
  /** Transactions per second that were done. */
  readonly tps: number;
  /** Mean, milliseconds; with a rate, from the time a transaction was due. */
  readonly latency_ms: number;
}

/** pgbench's TPC-B-like script over the tables of W1, which are a tenth of pgbench's own. */
const script = `\\set aid random(1, 100000)
\\set bid random(1, 10)
\\set tid random(1, 100)
\\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
END;
`;

/** Runs pgbench against the stand's leader. Throws when a transaction failed. */
export async function pgbench(stand: Stand, options: PgbenchOptions): Promise<PgbenchResult> {
  const { clients, seconds, rate, signal } = options;
  const { path, env } = await clientProgram('pgbench');
  const file = join(stand.folder, 'tpcb.sql');
  await writeFile(file, script);
  const args = [
    ...['--no-vacuum', '--protocol=prepared', `--file=${file}`, `--client=${clients}`, '--jobs=1'],
    ...[`--time=${Math.round(seconds)}`, ...(rate === undefined ? [] : [`--rate=${rate}`])],
    stand.leader.url,
  ];
  const { stdout } = await run(path, args, { env, signal });
  return readResult(stdout);
}

/** What pgbench prints at its end. Throws when a transaction failed, or a figure is missing. */
export function readResult(output: string): PgbenchResult {
  if (figure(output, /^number of failed transactions: (\d+)/m) > 0)
    throw new Error(`transactions of pgbench failed:\n${output}`);
  return {
    tps: figure(output, /^tps = ([\d.]+)/m),
    latency_ms: figure(output, /^latency average = ([\d.]+) ms/m),
  };
}

function figure(output: string, pattern: RegExp): number {
  const text = pattern.exec(output)?.[1];
  if (text === undefined) throw new Error(`pgbench said nothing like ${pattern}:\n${output}`);
  return Number(text);
}
