import { AlertBook, Judge, Sampler, type StatusReport, statusOf } from '@millrace/lag-monitor';
import { MemoryLog, MemoryLogServer } from '@millrace/log';
import { silentLogger, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { createPostgresProbe } from '../wiring/leader-probe.js';
import { openLogToRead } from '../wiring/log.js';
import { slotOf } from '../wiring/pipeline.js';

const monitorTimeout_ms = 2_000;
/** Two samples this far apart give rates. */
const between_ms = 1_000;

/** The running monitor's status: it knows rates and alerts. Undefined when none answers, or it is another pipeline's. */
export async function statusFromMonitor({ config }: LoadedConfig): Promise<StatusReport | undefined> {
  try {
    const answer = await fetch(`http://${config.monitor.listen}/status`, {
      signal: AbortSignal.timeout(monitorTimeout_ms),
      redirect: 'error',
    });
    if (!answer.ok) return undefined;
    const status = (await answer.json()) as Partial<StatusReport>;
    return status.schema === 'millrace.status/1' && status.pipeline === config.pipeline
      ? (status as StatusReport)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Measures by itself, where no monitor runs: positions from leader and log, rates over a second, no alerts. */
export async function measureStatus(loaded: LoadedConfig, signal: AbortSignal): Promise<StatusReport> {
  const { config } = loaded;
  const log = await openLogToRead(loaded, silentLogger);
  const leader = createPostgresProbe(config.leader.url, slotOf(loaded), systemClock);
  try {
    const sampler = new Sampler({
      leader,
      log: log ?? new MemoryLog(new MemoryLogServer({ clock: systemClock })),
      ...(log && { storage: () => log.storage() }),
    });
    const judge = new Judge(
      config.monitor.budgets.map(({ follower, warn, page, for: for_ms }) => ({
        follower,
        warn_bytes: warn,
        page_bytes: page,
        for_ms,
      })),
      Object.keys(config.followers),
    );
    const now = () => ({ monotonic_ms: systemClock.monotonic(), wall_ms: systemClock.now() });
    let verdict = judge.verdict(await sampler.take(now));
    // No second look at a leader that does not answer: it gives no rate, and each look may take seconds.
    if (verdict.sample.leader.ok) {
      await systemClock.sleep(between_ms, signal);
      verdict = judge.verdict(await sampler.take(now));
    }
    const { pipeline, environment } = config;
    return statusOf(verdict, { pipeline, environment, alerts: new AlertBook() });
  } finally {
    await leader.close();
    await log?.close();
  }
}
