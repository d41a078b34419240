import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { PgServer } from '@millrace/test-support';
import { ProcessWatch } from '../measure/process-watch.js';
import { dropSlot, wallClock_ms, walsenderOf } from '../measure/walsender.js';
import { createSlot } from '../stand/slot.js';
import type { Filled } from '../workloads/workload.js';
import { type ClientProgram, clientProgram } from './client-program.js';
import { type Contestant, type Drained, type Lane, publication } from './contestant.js';

/** PostgreSQL's own client, which writes what it gets to /dev/null: no reader of a slot can be much faster. */
export const recvlogical: Contestant = {
  name: 'pg_recvlogical',
  async describe() {
    const { version } = await clientProgram('pg_recvlogical');
    return `${version}, proto_version 1, to /dev/null`;
  },
  async prepare({ leader }, lane) {
    const program = await clientProgram('pg_recvlogical');
    const slot = `bench_recvlogical_${lane}`;
    await createSlot(leader, slot);
    return new RecvlogicalLane(program, leader, slot);
  },
};

class RecvlogicalLane implements Lane {
  readonly #program: ClientProgram;
  readonly #leader: PgServer;
  readonly #slot: string;
  #child: ChildProcess | undefined;

  constructor(program: ClientProgram, leader: PgServer, slot: string) {
    this.#program = program;
    this.#leader = leader;
    this.#slot = slot;
  }

  async drain(backlog: Filled): Promise<Drained> {
    const { child, ended } = this.#start(backlog.end);
    const watch = new ProcessWatch();
    try {
      const walsender = await walsenderOf(this.#leader, this.#slot, () => {
        if (child.exitCode !== null) throw new Error(`pg_recvlogical ended with ${child.exitCode} too early`);
      });
      watch.add('pg_recvlogical', child.pid ?? 0);
      watch.add('walsender', walsender.pid, { whole: true });
      const ended_ms = await ended;
      // It ends by itself only at the end that was asked for, the marker's commit: by then it had every event.
      return {
        events: backlog.events,
        seconds: (ended_ms - walsender.started_ms) / 1000,
        processes: watch.stop(),
      };
    } finally {
      watch.stop();
    }
  }

  async remove(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
    }
    await dropSlot(this.#leader, this.#slot);
  }

  /** Starts it; `ended` is the wall clock at its clean end. */
  #start(end: string): { readonly child: ChildProcess; readonly ended: Promise<number> } {
    const { path, env } = this.#program;
    const options = ['proto_version=1', `publication_names=${publication}`, 'messages=true'];
    const child = spawn(
      path,
      [
        ...['-d', this.#leader.url, '-S', this.#slot, '--start', '-f', '/dev/null', '-E', end, '--no-loop'],
        ...options.flatMap((option) => ['-o', option]),
      ],
      { env, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#child = child;
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (code === 0) resolve(wallClock_ms());
        else reject(new Error(`pg_recvlogical ended with ${code ?? signal}: ${complaint.trim()}`));
      });
    });
    // Awaited later, or not at all when nobody came to read the slot.
    ended.catch(() => undefined);
    return { child, ended };
  }
}
