import { hostname } from 'node:os';
import {
  boardBeat_ms,
  type ServiceBoard,
  type ServiceNote,
  type ServiceState,
  type ServiceWorker,
  silentAfter_ms,
} from '@millrace/lag-monitor';
import {
  type Clock,
  type Fault,
  type FaultCode,
  faultCatalogue,
  type Logger,
  toFault,
} from '@millrace/runtime';

/** What a running service shows on the board. */
export interface Showing {
  readonly state: Extract<ServiceState, 'starting' | 'running' | 'waiting'>;
  readonly doing: string;
  /** Why it waits. */
  readonly fault?: { readonly code: FaultCode; readonly detail: string } | undefined;
  readonly figures: Readonly<Record<string, number>>;
  /** Another process works, and speaks for the service: this one writes no notes and takes no orders. */
  readonly isSecond?: boolean;
  /** The processes for which this one speaks. */
  readonly others?: readonly ServiceWorker[];
}

export interface NotePostOptions {
  readonly board: ServiceBoard;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A wait without a fault is told once it lasts. */
const told_ms_min = 3_000;
/** `doing` of a note whose process is gone: nobody is there to take orders. */
export const leftDoing = 'ended';

/** Faults of those who were fenced. */
const successorSpeaks: readonly FaultCode[] = ['MR-2009', 'MR-4003'];

/** A fault's remedy with the service's name in the command that mends it. */
export const remedyFor = (remedy: string, service: string): string =>
  remedy.replaceAll('<follower>', service === 'capture' ? '--all' : service);

/** Writes a service's notes on the board; one that cannot be written is logged, never an end. */
export class NotePost {
  readonly #service: string;
  readonly #options: NotePostOptions;
  #last: ServiceNote | undefined;
  /** The wait that the log tells of: its fault's code, or `unanswered`. */
  #told: string | undefined;
  /** Another process speaks for the service. */
  #isSecond = false;
  #standby: string | undefined;
  #others: readonly ServiceWorker[] = [];

  constructor(service: string, options: NotePostOptions) {
    this.#service = service;
    this.#options = options;
  }

  /** Nothing while another process of the same service is heard of: it may be a standby that starts. */
  async showStart(): Promise<void> {
    this.#isSecond = await this.isSpokenFor();
    if (!this.#isSecond) await this.show({ state: 'starting', doing: 'starting', figures: {} });
  }

  /** Another process of the service is heard of. */
  async isSpokenFor(): Promise<boolean> {
    return (await this.#another()) !== undefined;
  }

  /** The fresh note of another process of the service. */
  async #another(): Promise<ServiceNote | undefined> {
    const { board, clock } = this.#options;
    const notes = await board.read().catch(() => []);
    const note = notes.find(({ service }) => service === this.#service);
    if (!note || (note.pid === process.pid && note.host === hostname())) return undefined;
    // One that has stopped does no work: whoever starts is not its standby, and its order is theirs.
    return note.state !== 'stopped' && clock.now() - note.beat_ms < silentAfter_ms ? note : undefined;
  }

  /** Another process lives: its note is not just what it left behind, but is written anew. */
  async #hearsAnother(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const first = await this.#another();
    const since_ms = clock.monotonic();
    for (let note = first; note && !signal.aborted; note = await this.#another()) {
      if (note.beat_ms !== first?.beat_ms) return true;
      if (clock.monotonic() - since_ms >= silentAfter_ms) return false;
      await clock.sleep(boardBeat_ms / 4, signal);
    }
    return false;
  }

  /** False when another process speaks for the service, and takes its orders. */
  get speaks(): boolean {
    return !this.#isSecond;
  }

  async show(showing: Showing): Promise<void> {
    const { state, doing, fault, figures, others = [] } = showing;
    // A file that another process of ours holds is a standby's wait; one that anybody else holds is a trouble to be shown.
    const isLocked = fault?.code === 'MR-4009' && (await this.isSpokenFor());
    this.#isSecond = showing.isSecond === true || isLocked;
    if (this.#isSecond) {
      this.#tellStandby(doing);
      return;
    }
    this.#others = others;
    const entry = fault && faultCatalogue[fault.code];
    const told = fault &&
      entry && { ...fault, name: entry.name, remedy: remedyFor(entry.remedy, this.#service) };
    await this.#write(state, doing, figures, told);
  }

  /**
   * A loud stop, which becomes a page. A standby's is the service's own unless somebody else works: it may have taken over
   * a moment ago from a process that is gone, whose last note is still fresh. Resolves once that is known.
   */
  async stopped(fault: Fault, doing: string, signal: AbortSignal): Promise<void> {
    // Whoever took over speaks for the service.
    this.#isSecond =
      successorSpeaks.includes(fault.code) || (this.#isSecond && (await this.#hearsAnother(signal)));
    if (this.#isSecond) return;
    const { code, detail, remedy } = fault;
    await this.#write('stopped', doing, this.#last?.figures ?? {}, {
      code,
      name: fault.entry.name,
      detail,
      remedy,
    });
  }

  /**
   * Ended on request. A fault that had stopped the service stays: it is why nothing ran. One that said nothing yet leaves
   * what was said before.
   */
  async ended(): Promise<void> {
    if (!this.#last || (this.#last.state === 'stopped' && this.#last.fault)) return;
    if (this.#isSecond && (await this.isSpokenFor())) return;
    await this.#write('stopped', leftDoing, this.#last.figures, undefined);
  }

  /** Says the last note again. */
  beat(): Promise<void> {
    const last = this.#isSecond ? undefined : this.#last;
    return last ? this.#write(last.state, last.doing, last.figures, last.fault) : Promise.resolve();
  }

  /** A standby is seen in its own log, and in the note of the process that works. */
  #tellStandby(doing: string): void {
    if (this.#standby !== doing) this.#options.logger.info({}, doing);
    this.#standby = doing;
  }

  /** Waits stand in the log with their cause, once, and so does their end (promise 10). Steps of a start are no news. */
  #logTurn(note: ServiceNote): void {
    const { logger } = this.#options;
    const { state, doing, fault, since_ms, beat_ms } = note;
    const waited_ms = beat_ms - since_ms;
    if (state === 'waiting' && (fault || waited_ms >= told_ms_min)) {
      const cause = fault?.code ?? 'unanswered';
      if (this.#told !== cause) logger.warn({ code: fault?.code }, `waits: ${doing}`);
      this.#told = cause;
    } else if (state === 'running' && this.#told !== undefined) {
      logger.info({}, 'goes on');
      this.#told = undefined;
    }
  }

  async #write(
    state: ServiceState,
    doing: string,
    figures: Readonly<Record<string, number>>,
    fault: ServiceNote['fault'],
  ): Promise<void> {
    const now_ms = this.#options.clock.now();
    const last = this.#last;
    const same = last?.state === state && last.fault?.code === fault?.code;
    const note: ServiceNote = {
      service: this.#service,
      state,
      doing,
      ...(fault && { fault }),
      since_ms: same ? last.since_ms : now_ms,
      beat_ms: now_ms,
      pid: process.pid,
      host: hostname(),
      figures,
      ...(this.#others.length > 0 && { others: this.#others }),
    };
    const quietly = same && last.doing === doing && now_ms - last.beat_ms < boardBeat_ms;
    if (quietly) return;
    this.#logTurn(note);
    this.#last = note;
    try {
      await this.#options.board.write(note);
    } catch (error) {
      this.#options.logger.warn(
        { code: toFault(error).code },
        'the service’s state could not be noted in the log',
      );
    }
  }
}
