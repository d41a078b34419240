import type { ServiceBoard } from '@millrace/lag-monitor';
import {
  backoff_ms,
  type Clock,
  defaultBackoff,
  Fault,
  isFault,
  JointSignal,
  type Logger,
  type Service,
  toFault,
} from '@millrace/runtime';
import { afterAbandoned_ms, settledOrAbandoned } from './abandon.js';
import { leftDoing, NotePost, remedyFor, type Showing } from './note-post.js';
import { type Order, OrderInbox, type OrderKind, type Orders } from './orders.js';

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

/** What the steps of a supervision share. */
interface Serving {
  readonly supervised: Supervised;
  readonly options: SupervisorOptions;
  readonly post: NotePost;
  readonly inbox: OrderInbox;
}

const orderPoll_ms = 1_000;
/** Passwords are rotated and privileges granted while we run: no restart is needed, and no copy made anew. */
const refusedAgain_ms = 15_000;

type Ending =
  | { readonly kind: 'aborted' }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'order'; readonly order: Order };

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
  const inbox = new OrderInbox(options.orders, supervised.name, options.clock);
  const serving: Serving = { supervised, options, post, inbox };
  // Placed while no process was there to carry it out.
  const early = signal.aborted ? undefined : await inbox.next();
  if (early && !(await post.isSpokenFor())) await carryOut(serving, early);
  let stopped: Fault | undefined;
  while (!signal.aborted) {
    const ending = await runOnce(serving, stopped, signal);
    if (ending.kind === 'aborted') break;
    if (ending.kind === 'order') {
      stopped = undefined;
      await carryOut(serving, ending.order);
      continue;
    }
    stopped = ending.fault;
    options.onStopped?.(ending.fault);
    await post.stopped(ending.fault, options.onStop === 'throw' ? leftDoing : 'stopped', signal);
    if (options.onStop === 'throw') throw ending.fault;
    const order = await waitForOrder(serving, isTriedAgain(ending.fault), signal);
    if (order === 'again') continue;
    if (order === undefined) break;
    await carryOut(serving, order);
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

async function runOnce(serving: Serving, stopped: Fault | undefined, signal: AbortSignal): Promise<Ending> {
  const { supervised, options, post } = serving;
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
    const order = await watch(serving, show, stopped !== undefined, both);
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
  { options, post, inbox }: Serving,
  show: () => Showing,
  wasStopped: boolean,
  signal: AbortSignal,
): Promise<Order | undefined> {
  const { clock } = options;
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
    const order = await inbox.next();
    if (order) return order;
    await clock.sleep(orderPoll_ms, signal);
  }
  return undefined;
}

async function waitForOrder(
  { options, post, inbox }: Serving,
  again: boolean,
  signal: AbortSignal,
): Promise<Order | 'again' | undefined> {
  const { clock } = options;
  const since_ms = clock.monotonic();
  while (!signal.aborted) {
    const order = await inbox.next();
    if (order) return order;
    if (again && clock.monotonic() - since_ms > refusedAgain_ms) return 'again';
    await post.beat();
    await clock.sleep(orderPoll_ms, signal);
  }
  return undefined;
}

async function carryOut({ supervised, options, inbox }: Serving, order: Order): Promise<void> {
  const { logger } = options;
  logger.info({ order: order.kind }, 'carrying out an order');
  let failure: Fault | undefined;
  try {
    await supervised.carryOut(order.kind);
  } catch (error) {
    failure = toFault(error);
    logger.error({ code: failure.code }, `the order failed: ${failure.detail}`);
  }
  await inbox.end(order, failure).catch((error: unknown) => {
    const { code, detail } = toFault(error);
    logger.warn({ code }, `what became of the order could not be told: ${detail}`);
  });
}
