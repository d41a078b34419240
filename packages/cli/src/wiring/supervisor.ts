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
  backoff_ms,
  type Clock,
  defaultBackoff,
  Fault,
  type FaultCode,
  faultCatalogue,
  isFault,
  JointSignal,
  type Logger,
  type Service,
  toFault,
} from '@millrace/runtime';
import { afterAbandoned_ms, settledOrAbandoned } from './abandon.js';
import type { OrderKind, Orders } from './orders.js';

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

export interface Running {
  readonly service: Service;
  show(): Showing;
  /** Releases what `open` opened; after `service.run` has settled. */
  close(): Promise<void>;
}

/** A service that can be opened again and again. */
export interface Supervised {
  /** `capture`, or a follower's name. */
  readonly name: string;
  open(): Promise<Running>;
  /** Carries out an order while the service does not run; the service then starts again. */
  carryOut(order: OrderKind): Promise<void>;
}

export interface SupervisorOptions {
  readonly board: ServiceBoard;
  readonly orders: Orders;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What a loud stop does: end with its fault (a process of its own), or stay visible and wait for an order (`up`). */
  readonly onStop: 'throw' | 'stay';
  /** Called when the service has stopped, and again when it runs. */
  readonly onStopped?: (fault: Fault | undefined) => void;
}

const orderPoll_ms = 1_000;
/** A wait without a fault is told once it lasts. */
const told_ms_min = 3_000;
/** Passwords are rotated and privileges granted while we run: no restart is needed, and no copy made anew. */
const refusedAgain_ms = 15_000;
/** `doing` of a note whose process is gone: nobody is there to take orders. */
export const leftDoing = 'ended';

type Ending =
  | { readonly kind: 'aborted' }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'order'; readonly order: OrderKind };

/**
 * Runs one service, shows it on the board while it lives, carries out orders, and makes a loud stop visible.
 * Resolves after `signal` aborted; with `onStop: 'throw'` rejects with the fault that ended the service.
 */
export async function supervise(
  supervised: Supervised,
  options: SupervisorOptions,
  signal: AbortSignal,
): Promise<void> {
  const post = new NotePost(supervised.name, options);
  // Placed while no process was there to carry it out.
  const early = await options.orders.waiting(supervised.name, options.clock.now()).catch(() => undefined);
  if (early && !(await post.isSpokenFor())) await carryOut(supervised, early.kind, options);
  let stopped: Fault | undefined;
  while (!signal.aborted) {
    const ending = await runOnce(supervised, options, post, stopped, signal);
    if (ending.kind === 'aborted') break;
    if (ending.kind === 'order') {
      stopped = undefined;
      await carryOut(supervised, ending.order, options);
      continue;
    }
    stopped = ending.fault;
    options.onStopped?.(ending.fault);
    await post.stopped(ending.fault, options.onStop === 'throw' ? leftDoing : 'stopped');
    if (options.onStop === 'throw') throw ending.fault;
    const order = await waitForOrder(supervised, options, post, isTriedAgain(ending.fault), signal);
    if (order === 'again') continue;
    if (order === undefined) break;
    await carryOut(supervised, order, options);
    stopped = undefined;
    options.onStopped?.(undefined);
  }
  await post.ended();
}

/**
 * Whether a stopped service is started again by itself, without an order: refused access may be granted at any time, and one
 * that was fenced comes back as a standby, which takes nothing away.
 */
export const isTriedAgain = (fault: Fault): boolean => fault.code === 'MR-4002' || fault.code === 'MR-4003';

/** The fault with the service's name in the command that mends it. */
function forService(fault: Fault, service: string): Fault {
  const { code, detail, context, remedy } = fault;
  const named = remedyFor(remedy, service);
  return named === remedy ? fault : new Fault(code, { detail, context, remedy: named, cause: fault });
}

const remedyFor = (remedy: string, service: string): string =>
  remedy.replaceAll('<follower>', service === 'capture' ? '--all' : service);

async function runOnce(
  supervised: Supervised,
  options: SupervisorOptions,
  post: NotePost,
  stopped: Fault | undefined,
  signal: AbortSignal,
): Promise<Ending> {
  const inner = new AbortController();
  using either = new JointSignal(signal, inner.signal);
  const both = either.signal;
  let running: Running | undefined;
  let isAbandoned = false;
  try {
    // A stop stays on the board until the service works again: a page must not end with every attempt.
    if (!stopped) await post.showStart();
    const opening = openPatiently(supervised, options, post, signal);
    if (!(await settledOrAbandoned(opening, options.clock, signal))) return { kind: 'aborted' };
    running = await opening;
    const { service, show } = running;
    const ended = service.run(both).finally(() => inner.abort());
    // A rejection is awaited below; until then it must not count as unhandled.
    ended.catch(() => undefined);
    const order = await watch(supervised, options, post, show, stopped !== undefined, both);
    inner.abort();
    isAbandoned = !(await settledOrAbandoned(ended, options.clock, signal));
    if (!isAbandoned) await ended;
    else
      options.logger.warn(
        { service: supervised.name },
        'did not stop in time: its connections end with the process',
      );
    if (signal.aborted) return { kind: 'aborted' };
    return order === undefined ? { kind: 'aborted' } : { kind: 'order', order };
  } catch (error) {
    return signal.aborted
      ? { kind: 'aborted' }
      : { kind: 'fault', fault: forService(toFault(error), supervised.name) };
  } finally {
    inner.abort();
    const closed = running?.close().catch((error: unknown) => {
      options.logger.warn({ err: error }, 'closing failed');
    });
    const limit_ms = isAbandoned ? afterAbandoned_ms : undefined;
    if (closed) await settledOrAbandoned(closed, options.clock, signal, limit_ms);
  }
}

/** A server that went away since the command found it is waited for, visibly, as it is once the service runs. */
async function openPatiently(
  supervised: Supervised,
  { clock }: SupervisorOptions,
  post: NotePost,
  signal: AbortSignal,
): Promise<Running> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await supervised.open();
    } catch (error) {
      if (signal.aborted || !isFault(error) || error.entry.policy !== 'backoff') throw error;
      const { code, detail } = error;
      await post.show({ state: 'waiting', doing: detail, fault: { code, detail }, figures: {} });
      await clock.sleep(backoff_ms(defaultBackoff, attempt, Math.random()), signal);
      if (signal.aborted) throw error;
    }
  }
}

/**
 * Beats on the board and looks for orders until `signal` aborts (undefined) or an order arrives. After a stop
 * (`wasStopped`) that stop is what the board shows until the service has come past its start.
 */
async function watch(
  supervised: Supervised,
  options: SupervisorOptions,
  post: NotePost,
  show: () => Showing,
  wasStopped: boolean,
  signal: AbortSignal,
): Promise<OrderKind | undefined> {
  const { clock, orders } = options;
  let hidden = wasStopped;
  while (!signal.aborted) {
    const showing = show();
    if (hidden && (showing.state !== 'starting' || showing.isSecond)) {
      hidden = false;
      options.onStopped?.(undefined);
    }
    if (hidden) await post.beat();
    else await post.show(showing);
    if (!post.speaks) {
      await clock.sleep(orderPoll_ms, signal);
      continue;
    }
    const order = await orders.waiting(supervised.name, clock.now()).catch(() => undefined);
    if (order) return order.kind;
    await clock.sleep(orderPoll_ms, signal);
  }
  return undefined;
}

async function waitForOrder(
  supervised: Supervised,
  options: SupervisorOptions,
  post: NotePost,
  again: boolean,
  signal: AbortSignal,
): Promise<OrderKind | 'again' | undefined> {
  const { clock, orders } = options;
  const since_ms = clock.monotonic();
  while (!signal.aborted) {
    const order = await orders.waiting(supervised.name, clock.now()).catch(() => undefined);
    if (order) return order.kind;
    if (again && clock.monotonic() - since_ms > refusedAgain_ms) return 'again';
    await post.beat();
    await clock.sleep(orderPoll_ms, signal);
  }
  return undefined;
}

async function carryOut(supervised: Supervised, order: OrderKind, options: SupervisorOptions): Promise<void> {
  options.logger.info({ order }, 'carrying out an order');
  try {
    await supervised.carryOut(order);
  } catch (error) {
    const fault = toFault(error);
    options.logger.error({ code: fault.code }, `the order failed: ${fault.detail}`);
  }
  await options.orders.clear(supervised.name);
}

/** Writes a service's notes; one that cannot be written is logged, never an end. */
class NotePost {
  readonly #service: string;
  readonly #options: SupervisorOptions;
  #last: ServiceNote | undefined;
  /** The wait that the log tells of: its fault's code, or `unanswered`. */
  #told: string | undefined;
  /** Another process speaks for the service. */
  #isSecond = false;
  #standby: string | undefined;
  #others: readonly ServiceWorker[] = [];

  constructor(service: string, options: SupervisorOptions) {
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
    const { board, clock } = this.#options;
    const notes = await board.read().catch(() => []);
    const note = notes.find(({ service }) => service === this.#service);
    if (!note || (note.pid === process.pid && note.host === hostname())) return false;
    // One that has stopped does no work: whoever starts is not its standby, and its order is theirs.
    return note.state !== 'stopped' && clock.now() - note.beat_ms < silentAfter_ms;
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

  stopped(fault: Fault, doing: string): Promise<void> {
    // Whoever took over speaks for the service.
    this.#isSecond ||= fault.code === 'MR-4003';
    if (this.#isSecond) return Promise.resolve();
    const { code, detail, remedy } = fault;
    return this.#write('stopped', doing, this.#last?.figures ?? {}, {
      code,
      name: fault.entry.name,
      detail,
      remedy,
    });
  }

  /** Ended on request. A fault that had stopped the service stays: it is why nothing ran. */
  ended(): Promise<void> {
    if (this.#isSecond || (this.#last?.state === 'stopped' && this.#last.fault)) return Promise.resolve();
    return this.#write('stopped', leftDoing, this.#last?.figures ?? {}, undefined);
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
