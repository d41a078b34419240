import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ServiceBoard, type ServiceNote, silentAfter_ms } from '@millrace/lag-monitor';
import { Fault, type Logger, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { Orders } from '../wiring/orders.js';
import { followerConfig, openLog } from '../wiring/pipeline.js';
import { superviseApplier } from '../wiring/services.js';
import { leftDoing } from '../wiring/supervisor.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';

type EmbeddedLog = Awaited<ReturnType<typeof openLog>>;

/** A living process carries out an order within a second or two, or after closing a transaction under way. */
const carriedOut_ms_max = 30_000;
const poll_ms = 200;

/** Reads a follower's tables anew: its rows stay readable meanwhile and are replaced range by range. */
export async function resync(
  context: CommandContext,
  follower: string | undefined,
  all: boolean,
): Promise<number> {
  const loaded = readConfig(context);
  if ((follower === undefined) === !all)
    throw new Fault('MR-1001', {
      detail: 'name one follower, or give --all',
      remedy: 'millrace resync <follower>',
    });
  const names = follower === undefined ? Object.keys(loaded.config.followers) : [follower];
  for (const name of names) followerConfig(loaded, name);
  const log = await openLog(loaded, loggerFor(context, loaded, 'resync'));
  try {
    // Capture first: it decides about gaps before the followers ask it for their tables.
    if (all) await orderCapture(context, log);
    for (const name of names) await resyncOne(context, loaded, log, name);
  } finally {
    await log.close();
  }
  return 0;
}

async function orderCapture(context: CommandContext, log: EmbeddedLog): Promise<void> {
  await new Orders(log).place('capture', order());
  context.terminal.say('capture: ordered to read every table again where commits are missing.');
  const note = await noteOf(log, 'capture');
  if (!note) context.terminal.say('  It does not run; it will when it is started within the hour.');
}

async function resyncOne(
  context: CommandContext,
  loaded: LoadedConfig,
  log: EmbeddedLog,
  name: string,
): Promise<void> {
  const logger = loggerFor(context, loaded, name);
  const holder = await noteOf(log, name);
  // A store may have one owner only, so a living process does it itself.
  if (holder) await orderFollower(context, log, name);
  else await directly(loaded, log, name, logger);
  context.terminal.say(`${name}: registered anew; it is rebuilt while capture and its applier run.`);
}

async function directly(loaded: LoadedConfig, log: EmbeddedLog, name: string, logger: Logger): Promise<void> {
  await superviseApplier(loaded, name, log, logger).resync?.();
}

async function orderFollower(context: CommandContext, log: EmbeddedLog, name: string): Promise<void> {
  const orders = new Orders(log);
  const placed = order();
  await orders.place(name, placed);
  const deadline = systemClock.monotonic() + carriedOut_ms_max;
  while (!context.signal.aborted && systemClock.monotonic() < deadline) {
    const waiting = await orders.waiting(name, systemClock.now());
    if (waiting?.id !== placed.id) return;
    await systemClock.sleep(poll_ms, context.signal);
  }
  await orders.clear(name);
  throw new Fault('MR-4009', {
    detail: `the process that holds follower ${name} did not carry out the order within ${carriedOut_ms_max / 1_000} s`,
    remedy: 'Stop that process, then run this again.',
  });
}

const order = () => ({ id: randomUUID(), kind: 'resync' as const, placed_ms: systemClock.now() });

/** The note of a process that lives: heard of lately, not ended, and, on this machine, still there. */
async function noteOf(log: EmbeddedLog, service: string): Promise<ServiceNote | undefined> {
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
