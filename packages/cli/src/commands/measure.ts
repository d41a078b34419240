import { AlertBook, Judge, Sampler, type StatusReport, statusOf } from '@millrace/lag-monitor';
import { silentLogger, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { createPostgresProbe } from '../wiring/leader-probe.js';
import { storageOf } from '../wiring/monitoring.js';
import { openLog, slotOf } from '../wiring/pipeline.js';

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
  const log = await openLog(loaded, silentLogger);
  const leader = createPostgresProbe(config.leader.url, slotOf(loaded));
  try {
    const sampler = new Sampler({ leader, log, storage: () => storageOf(loaded, log) });
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
    judge.verdict(await sampler.take(now));
    await systemClock.sleep(between_ms, signal);
    const verdict = judge.verdict(await sampler.take(now));
    return statusOf(verdict, config.pipeline, config.environment, new AlertBook());
  } finally {
    await leader.close();
    await log.close();
  }
}
