import {
  createMonitor,
  type Monitor,
  tableAlertStore,
  tableOutbox,
  type Verdict,
  Webhook,
} from '@millrace/lag-monitor';
import { type Logger, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { version } from '../version.js';
import { openJobs } from './jobs.js';
import { createPostgresProbe } from './leader-probe.js';
import { listenAddress } from './listen-address.js';
import type { PipelineLog } from './log.js';
import { slotOf, surroundingsFor } from './pipeline.js';

/** The monitor of a pipeline. Throws MR-1003 for a bad webhook secret, MR-6005 for jobs in the leader. */
export async function buildMonitor(
  loaded: LoadedConfig,
  log: PipelineLog,
  logger: Logger,
  onVerdict?: (verdict: Verdict) => void,
): Promise<Monitor> {
  const { config } = loaded;
  const { webhook, runbook, dashboard } = config.monitor;
  const surroundings = surroundingsFor(logger);
  const jobs = await openJobs(loaded, logger);
  return createMonitor({
    pipeline: config.pipeline,
    environment: config.environment,
    version,
    followers: Object.keys(config.followers),
    leader: createPostgresProbe(config.leader.url, slotOf(loaded), systemClock),
    log,
    storage: () => log.storage(),
    budgets: config.monitor.budgets.map(({ follower, warn, page, for: for_ms }) => ({
      follower,
      warn_bytes: warn,
      page_bytes: page,
      for_ms,
    })),
    sample_ms: config.monitor.sample,
    listen: listenAddress(config.monitor.listen),
    notifiers: webhook
      ? [new Webhook({ url: webhook.url, secrets: [webhook.secret ?? []].flat(), ...surroundings })]
      : [],
    alerts: tableAlertStore(log.table('alerts')),
    outbox: tableOutbox(log.table('outbox')),
    ...(jobs && { jobs }),
    links: {
      ...(runbook !== undefined && { runbook_url: runbook }),
      ...(dashboard !== undefined && { dashboard_url: dashboard }),
    },
    surroundings,
    ...(onVerdict && { onVerdict }),
  });
}
