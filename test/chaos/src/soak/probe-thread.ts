/** Runs beside the harness's own work, which would hold back its clock: writes probes, and sees when they are visible. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import pg from 'pg';
import type { ProbeData, ProbeSeen } from './probe.js';

const { leaderUrl, followerUrl, every_ms } = workerData as ProbeData;
/** Polls while a probe is on its way; seldom once it is late. */
const poll_ms = 4;
const latePoll_ms = 50;
const late_ms = 1_000;
const reconnect_ms = 200;

interface Sent {
  readonly number: number;
  readonly committed_ms: number;
  readonly commit_ms: number;
}

const onTheWay: Sent[] = [];
let over = false;
parentPort?.on('message', () => {
  over = true;
});

await Promise.all([keepConnected(leaderUrl, write), keepConnected(followerUrl, watch)]);
parentPort?.close();

async function keepConnected(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  while (!over) {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 5_000,
      query_timeout: 10_000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await work(client);
    } catch {
      // The server is away on purpose, or the table is not there yet.
      await sleep(reconnect_ms);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function write(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number }>('SELECT number FROM probe WHERE id = 1');
  let number = (rows[0]?.number ?? 0) + 1;
  let due_ms = Date.now();
  while (!over) {
    const begun = performance.now();
    await client.query('UPDATE probe SET number = $1 WHERE id = 1', [number]);
    onTheWay.push({ number, committed_ms: Date.now(), commit_ms: performance.now() - begun });
    number++;
    due_ms = Math.max(due_ms + every_ms, Date.now());
    await sleep(due_ms - Date.now());
  }
}

async function watch(client: pg.Client): Promise<void> {
  while (!over) {
    const first = onTheWay[0];
    if (first) await look(client);
    const late = first !== undefined && Date.now() - first.committed_ms > late_ms;
    await sleep(late ? latePoll_ms : poll_ms);
  }
}

async function look(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number }>('SELECT number FROM probe WHERE id = 1');
  const visible_ms = Date.now();
  const number = rows[0]?.number ?? 0;
  while (onTheWay[0] && onTheWay[0].number <= number) {
    const { committed_ms, commit_ms } = onTheWay.shift() as Sent;
    // Visible before the answer to its COMMIT was read here: no time at all.
    const seen: ProbeSeen = { committed_ms, latency_ms: Math.max(0, visible_ms - committed_ms), commit_ms };
    parentPort?.postMessage(seen);
  }
}
