import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromChild, ToChild } from './messages.js';

const entry = fileURLToPath(new URL('child.js', import.meta.url));
const start_ms_max = 30_000;

type Message<K extends FromChild['kind']> = Extract<FromChild, { kind: K }>;

function isOf<K extends FromChild['kind']>(message: FromChild, kind: K): message is Message<K> {
  return message.kind === kind;
}

/** The process that captures and discards, as the bench sees it. */
export class DiscardProcess {
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(message: FromChild) => void>();

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: FromChild) => {
      for (const listener of [...this.#listeners]) listener(message);
    });
    child.once('exit', (code, signal) => {
      const error = `the discarding capture ended with ${code ?? signal}`;
      for (const listener of [...this.#listeners]) listener({ kind: 'failed', error });
    });
  }

  static async start(): Promise<DiscardProcess> {
    const child = new DiscardProcess(fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    await child.next('ready', start_ms_max);
    return child;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  send(message: ToChild): void {
    this.#child.send(message);
  }

  /** The next message of a kind. Rejects when the capture failed, or after `timeout_ms`. */
  next<K extends FromChild['kind']>(kind: K, timeout_ms: number): Promise<Message<K>> {
    return new Promise((resolve, reject) => {
      const done = (act: () => void): void => {
        clearTimeout(timer);
        this.#listeners.delete(listen);
        act();
      };
      const listen = (message: FromChild): void => {
        if (message.kind === 'failed') done(() => reject(new Error(message.error)));
        else if (isOf(message, kind)) done(() => resolve(message));
      };
      const timer = setTimeout(
        () => done(() => reject(new Error(`the discarding capture did not answer for ${timeout_ms} ms`))),
        timeout_ms,
      );
      this.#listeners.add(listen);
    });
  }

  /** Ends the process, whatever it does. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
