import { Fault, type Logger } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { suggestion } from '../config/suggest.js';
import { openLog, type PipelineLog } from '../wiring/log.js';
import { type OrderKind, Orders } from '../wiring/orders.js';
import { followerConfig } from '../wiring/pipeline.js';
import { superviseApplier } from '../wiring/services.js';
import { configuredTables } from '../wiring/source.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';
import { livingNote, newOrder, orderAndWait } from './giving-orders.js';

/** What is to be read anew: exactly one of the three. */
export interface ResyncTarget {
  readonly follower?: string | undefined;
  readonly all: boolean;
  /** `schema.table` of the leader. */
  readonly table?: string | undefined;
}

/** Reads tables anew: a follower's rows stay readable meanwhile and are replaced range by range. */
export async function resync(context: CommandContext, target: ResyncTarget): Promise<number> {
  const loaded = readConfig(context);
  const { follower, all, table } = target;
  const chosen = [follower !== undefined, all, table !== undefined].filter((given) => given).length;
  if (chosen !== 1)
    throw new Fault('MR-1001', {
      detail: 'name one follower, or give --all or --table',
      remedy: 'millrace resync <follower>',
    });
  const names = all ? Object.keys(loaded.config.followers) : follower === undefined ? [] : [follower];
  for (const name of names) followerConfig(loaded, name);
  if (table !== undefined) await mustExist(loaded, table);
  const log = await openLog(loaded, loggerFor(context, loaded, 'resync'));
  try {
    // Capture first: it decides about gaps before the followers ask it for their tables.
    if (all) await orderCapture(context, log, 'resync', 'every table again where commits are missing');
    if (table !== undefined)
      await orderCapture(context, log, 'repair', `${table} again, whose shape was uncertain`);
    for (const name of names) await resyncOne(context, loaded, log, name);
  } finally {
    await log.close();
  }
  return 0;
}

async function mustExist(loaded: LoadedConfig, table: string): Promise<void> {
  const tables = (await configuredTables(loaded)).map(({ schema, name }) => `${schema}.${name}`);
  if (tables.includes(table)) return;
  const meant = suggestion(table, tables);
  throw new Fault('MR-1001', {
    detail: `the leader has no table ${table} in this pipeline${meant ? `; did you mean ${meant}?` : ''}`,
    remedy: 'Name it as schema.table.',
  });
}

async function orderCapture(
  context: CommandContext,
  log: PipelineLog,
  kind: OrderKind,
  what: string,
): Promise<void> {
  await new Orders(log).place('capture', newOrder(kind));
  context.terminal.say(`capture: ordered to read ${what}.`);
  const note = await livingNote(log, 'capture');
  if (!note) context.terminal.say('  It does not run; it will when it is started within the hour.');
}

async function resyncOne(
  context: CommandContext,
  loaded: LoadedConfig,
  log: PipelineLog,
  name: string,
): Promise<void> {
  const logger = loggerFor(context, loaded, name);
  const holder = await livingNote(log, name);
  // A store may have one owner only, so a living process does it itself.
  if (holder) await orderAndWait(context, log, name, 'resync');
  else await directly(loaded, log, name, logger);
  context.terminal.say(`${name}: registered anew; it is rebuilt while capture and its applier run.`);
}

async function directly(loaded: LoadedConfig, log: PipelineLog, name: string, logger: Logger): Promise<void> {
  await superviseApplier(loaded, name, log, logger).carryOut('resync');
}
