import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ServiceBoard, type ServiceNote, silentAfter_ms } from '@millrace/lag-monitor';
import type { Log } from '@millrace/log';
import { Fault, systemClock } from '@millrace/runtime';
import { leftDoing } from '../wiring/note-post.js';
import { type Order, type OrderKind, Orders } from '../wiring/orders.js';
import type { CommandContext } from './context.js';

/** A living process carries out an order within a second or two, or after closing a transaction under way. */
const carriedOut_ms_max = 30_000;
const poll_ms = 200;

export const newOrder = (kind: OrderKind): Order => ({
  id: randomUUID(),
  kind,
  placed_ms: systemClock.now(),
});

/**
 * Places an order and waits until its service has carried it out. Throws MR-4009 when it does not, and the fault that kept it
 * from it when it could not.
 */
export async function orderAndWait(
  context: CommandContext,
  log: Log,
  service: string,
  kind: OrderKind,
): Promise<void> {
  const orders = new Orders(log);
  const placed = newOrder(kind);
  await orders.place(service, placed);
  const deadline = systemClock.monotonic() + carriedOut_ms_max;
  while (!context.signal.aborted && systemClock.monotonic() < deadline) {
    const waiting = await orders.waiting(service, systemClock.now());
    if (waiting?.id !== placed.id) {
      const failure = await orders.failure(service, placed);
      if (failure) throw failure;
      return;
    }
    await systemClock.sleep(poll_ms, context.signal);
  }
  await orders.clear(service);
  throw new Fault('MR-4009', {
    detail: `the process of ${service} did not carry out the order within ${carriedOut_ms_max / 1_000} s`,
    remedy: 'Stop that process, then run this again.',
  });
}

/** The note of a process that lives: heard of lately, not ended, and, on this machine, still there. */
export async function livingNote(log: Log, service: string): Promise<ServiceNote | undefined> {
  const note = (await new ServiceBoard(log).read()).find((found) => found.service === service);
  if (!note || note.doing === leftDoing || systemClock.now() - note.beat_ms > silentAfter_ms)
    return undefined;
  return note.host === hostname() && !processLives(note.pid) ? undefined : note;
}

function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
