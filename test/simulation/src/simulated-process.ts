import { type Fault, toFault } from '@millrace/runtime';
import type { Chance } from './chance.js';
import { ProcessGate } from './process-gate.js';
import type { Transcript } from './transcript.js';
import type { WorldClock } from './world-clock.js';

/** How long a supervisor waits before it starts a process again, milliseconds. */
const restartPause_ms = { least: 5, most: 300 } as const;
/** A fenced process is started again as a standby would be: later. */
const fencedPause_ms = 2_000;

export interface ProcessOptions {
  readonly name: string;
  readonly clock: WorldClock;
  readonly chance: Chance;
  readonly transcript: Transcript;
  /** Probability that the process dies at one passage of its boundary. */
  readonly crash: () => number;
  /** Starts the service behind the gate; settles when it ends. */
  readonly run: (gate: ProcessGate, signal: AbortSignal) => Promise<void>;
  /** A fault that no supervisor mends. */
  readonly onStop: (fault: Fault) => void;
}

/** One service under a supervisor: started again after each death, until it stops loudly or is told to end. */
export class SimulatedProcess {
  readonly #o: ProcessOptions;
  #gate: ProcessGate | undefined;
  #abort = new AbortController();
  #ended = false;
  #incarnation = 0;
  stopped: Fault | undefined;

  constructor(options: ProcessOptions) {
    this.#o = options;
  }

  get name(): string {
    return this.#o.name;
  }

  get paused(): boolean {
    return this.#gate?.state === 'paused';
  }

  get running(): boolean {
    return this.#gate?.state === 'running';
  }

  start(): void {
    if (this.#ended) return;
    const { chance, transcript, crash, name } = this.#o;
    this.stopped = undefined;
    const gate = new ProcessGate(() => chance.happens(crash()));
    const abort = new AbortController();
    this.#gate = gate;
    this.#abort = abort;
    const incarnation = ++this.#incarnation;
    transcript.tell(name, `starts (${incarnation})`);
    gate.onDeath(() => {
      transcript.tell(name, `dies (${incarnation})`);
      this.#startLater(incarnation, restartPause_ms.least + chance.next() * restartPause_ms.most);
    });
    void this.#run(gate, abort.signal, incarnation);
  }

  kill(): void {
    this.#gate?.kill();
  }

  pause(): void {
    this.#o.transcript.tell(this.name, 'is paused');
    this.#gate?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.#o.transcript.tell(this.name, 'is resumed');
    this.#gate?.resume();
  }

  /** For good: a second process, or one whose supervisor goes home. */
  end(): void {
    this.#ended = true;
    this.#abort.abort();
    this.resume();
  }

  async #run(gate: ProcessGate, signal: AbortSignal, incarnation: number): Promise<void> {
    const { transcript, name, onStop } = this.#o;
    try {
      await this.#o.run(gate, signal);
      transcript.tell(name, `ends (${incarnation})`);
    } catch (error) {
      const fault = toFault(error);
      transcript.tell(name, `ends with ${fault.message}`);
      if (fault.entry.policy === 'exit') this.#startLater(incarnation, fencedPause_ms);
      else {
        this.stopped = fault;
        onStop(fault);
      }
    }
  }

  #startLater(incarnation: number, pause_ms: number): void {
    this.#o.clock.after(pause_ms, () => {
      if (incarnation === this.#incarnation) this.start();
    });
  }
}
