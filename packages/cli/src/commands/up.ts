import { ServiceBoard } from '@millrace/lag-monitor';
import { type Fault, type Logger, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { reportFault } from '../terminal/report-fault.js';
import { settledOrAbandoned } from '../wiring/abandon.js';
import { openLog, type PipelineLog } from '../wiring/log.js';
import { buildMonitor } from '../wiring/monitoring.js';
import { Orders } from '../wiring/orders.js';
import { serveConfigured } from '../wiring/registry.js';
import { superviseApplier, superviseCapture } from '../wiring/services.js';
import { isTriedAgain, supervise } from '../wiring/supervisor.js';
import { type CommandContext, loggerFor, readConfig } from './context.js';
import { showSnapshot } from './snapshot-progress.js';
import { awaitLeader } from './startup.js';

/**
 * Everything in one process. A follower that stops loudly pages and stays visible while the others go on; the
 * process ends when nothing replicates any more, or when capture cannot run at all.
 */
export async function up(context: CommandContext): Promise<number> {
  const loaded = readConfig(context);
  await awaitLeader(context, loaded);
  const log = await openLog(loaded, loggerFor(context, loaded, 'log'));
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const stopped = new StoppedServices(context, Object.keys(loaded.config.followers).length + 1, stop);
  let registry: Awaited<ReturnType<typeof serveConfigured>>;
  try {
    registry = await serveConfigured(loaded, log, loggerFor(context, loaded, 'registry'));
    const monitorLogger = loggerFor(context, loaded, 'monitor');
    const monitor = await buildMonitor(loaded, log, monitorLogger);
    const monitoring = monitor.run(signal).catch((error: unknown) => {
      // Without its monitor the pipeline would fall behind unseen.
      stop.abort();
      throw error;
    });
    const ended = await Promise.allSettled([
      settledOrAbandoned(monitoring, systemClock, signal).then((settled) =>
        settled ? monitoring : undefined,
      ),
      replicate(context, loaded, log, stopped, signal).catch((error: unknown) => {
        // A service that nobody supervises any more must not look as if it ran.
        stop.abort();
        throw error;
      }),
    ]);
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  } finally {
    await registry?.close();
    await log.close();
  }
  if (stopped.verdict && !context.signal.aborted) throw stopped.verdict;
  return 0;
}

async function replicate(
  context: CommandContext,
  loaded: LoadedConfig,
  log: PipelineLog,
  stopped: StoppedServices,
  signal: AbortSignal,
): Promise<void> {
  const optionsFor = (service: string, logger: Logger) => ({
    board: new ServiceBoard(log),
    orders: new Orders(log),
    clock: systemClock,
    logger,
    onStop: 'stay' as const,
    onStopped: (fault: Fault | undefined) => stopped.note(service, fault),
  });
  const captureLogger = loggerFor(context, loaded, 'capture');
  const capture = superviseCapture(loaded, log, captureLogger);
  const hide = showSnapshot(context, capture);
  await Promise.all([
    supervise(capture, optionsFor('capture', captureLogger), signal),
    ...Object.keys(loaded.config.followers).map((name) => {
      const logger = loggerFor(context, loaded, name);
      return supervise(superviseApplier(loaded, name, log, logger), optionsFor(name, logger), signal);
    }),
  ]);
  hide();
}

/** How a stopped service comes back. Nothing is advised where time alone is enough. */
function wayBack(service: string, fault: Fault): string {
  if (isTriedAgain(fault)) return 'This one is tried again every 15 s.';
  return fault.remedy.includes('millrace resync')
    ? 'A resync starts it again.'
    : `After the remedy: \`millrace restart ${service}\`.`;
}

/** Which services have stopped, and when that is the end of all. */
class StoppedServices {
  readonly #context: CommandContext;
  readonly #count: number;
  readonly #stop: AbortController;
  readonly #faults = new Map<string, Fault>();
  /** The fault that the whole process ends with. */
  verdict: Fault | undefined;

  constructor(context: CommandContext, count: number, stop: AbortController) {
    this.#context = context;
    this.#count = count;
    this.#stop = stop;
  }

  note(service: string, fault: Fault | undefined): void {
    if (!fault) {
      this.#faults.delete(service);
      return;
    }
    const before = this.#faults.get(service);
    this.#faults.set(service, fault);
    // Refused again: it has been said.
    if (before?.message === fault.message) return;
    const { terminal } = this.#context;
    const hopeless = service === 'capture' && fault.entry.policy === 'exit';
    const last = hopeless || this.#faults.size === this.#count;
    if (last) this.verdict = hopeless ? fault : this.#faults.values().next().value;
    terminal.say(`${service} has stopped:`);
    // The verdict is what the process ends with, and reports then.
    if (this.verdict !== fault) reportFault(terminal, fault, false);
    if (!last) {
      terminal.say(`  The others go on. ${wayBack(service, fault)}`);
      return;
    }
    this.#stop.abort();
  }
}
