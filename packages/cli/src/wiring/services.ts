import { type Applier, type ApplierMode, createApplier, resyncFollower } from '@millrace/applier';
import { type Capture, createCapture } from '@millrace/capture';
import { changeOps, durationFigures, figureOfChange } from '@millrace/lag-monitor';
import type { Log } from '@millrace/log';
import { type Fault, type FaultCode, faultCatalogue, type Logger, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { partitionsOf } from './log.js';
import type { Showing } from './note-post.js';
import type { OrderKind } from './orders.js';
import { codecFor, followerConfig, identity, openFollower, surroundingsFor } from './pipeline.js';
import { patience_ms, RegistryWait, schemaStoreFor } from './registry.js';
import { openSource } from './source.js';
import type { Supervised } from './supervisor.js';
import { type WatchedFollower, watchFollower } from './watched-follower.js';

export interface SupervisedCapture extends Supervised {
  /** The running capture; undefined between runs. */
  running(): Capture | undefined;
}

/** Capture, opened anew on every start: leader to log. */
export function superviseCapture(loaded: LoadedConfig, log: Log, logger: Logger): SupervisedCapture {
  const { leader, pipeline, followers } = loaded.config;
  let running: Capture | undefined;
  let ordered: OrderKind | undefined;
  return {
    name: 'capture',
    running: () => running,
    async open() {
      const source = await openSource(loaded, logger);
      const registry = new RegistryWait();
      const capture = createCapture({
        source,
        log,
        codec: codecFor(loaded, schemaStoreFor(loaded, log, logger, registry.patience)),
        pipeline: {
          topicPrefix: pipeline,
          partitions: partitionsOf(loaded),
          applyFollowers: Object.keys(followers),
        },
        policies: {
          onGap: ordered === 'resync' ? 'resnapshot' : leader.on_gap,
          onFork: ordered === 'resync' ? 'resnapshot' : leader.on_fork,
          onSchemaUncertain: ordered === undefined ? leader.on_schema_uncertain : 'repair',
        },
        // Progress records stay as long as the events they name.
        ...(loaded.config.log.kafka && {
          limits: { trimAfter_ms: loaded.config.log.kafka.topics.retention },
        }),
        surroundings: surroundingsFor(logger),
        ...identity,
      });
      // An order holds for one start: the next gap is again the operator's to decide.
      ordered = undefined;
      running = capture;
      return {
        service: {
          run(signal) {
            registry.endWith(signal);
            return capture.run(signal);
          },
        },
        show: () => showCapture(capture, registry.fault),
        async close() {
          running = undefined;
        },
      };
    },
    async carryOut(order) {
      ordered = order === 'restart' ? undefined : order;
    },
  };
}

/** `registry`: why the external schema registry keeps capture from going on. */
function showCapture(capture: Capture, registry: Fault | undefined): Showing {
  const { state, waiting, events, transactions, records, snapshot, ...status } = capture.status();
  const reason = registry?.detail ?? (state.name === 'wait' ? state.reason : waiting);
  const fault = registry ?? (reason === undefined ? undefined : faultIn(reason));
  return {
    state: reason !== undefined ? 'waiting' : streams(state.name) ? 'running' : 'starting',
    doing: reason ?? state.name,
    fault,
    figures: {
      events,
      transactions,
      records,
      bytes: status.bytes,
      held_bytes: status.held_bytes,
      held_limit_bytes: status.heldLimit_bytes,
      ...Object.fromEntries(changeOps.map((op) => [figureOfChange(op), status.changes[op]])),
      ...(snapshot && {
        snapshot_rows: snapshot.rowsDone,
        snapshot_rows_per_second: snapshot.rowsPerSecond,
        ...(snapshot.rowsEstimated !== undefined && { snapshot_rows_estimated: snapshot.rowsEstimated }),
        ...(snapshot.eta_ms !== undefined && { snapshot_eta_ms: snapshot.eta_ms }),
      }),
    },
  };
}

const streams = (state: string): boolean => state === 'stream' || state === 'snapshot';

/** Capture words its waits as a fault's message; the code is in front. */
function faultIn(reason: string): { code: FaultCode; detail: string } | undefined {
  const code = /^MR-\d{4}/.exec(reason)?.[0];
  return code !== undefined && Object.hasOwn(faultCatalogue, code)
    ? { code: code as FaultCode, detail: reason.slice(reason.indexOf(': ') + 2) }
    : undefined;
}

/** One follower's applier, opened anew on every start: log to follower. */
export function superviseApplier(loaded: LoadedConfig, name: string, log: Log, logger: Logger): Supervised {
  const { on_restore, schema, mode: kind } = followerConfig(loaded, name);
  const mode: ApplierMode = kind === 'partitioned' ? { kind, partitions: partitionsOf(loaded) } : { kind };
  return {
    name,
    async open() {
      const watched = watchFollower(await openFollower(loaded, name, logger), systemClock);
      const { follower } = watched;
      const applier = createApplier({
        name,
        log,
        codec: codecFor(loaded, schemaStoreFor(loaded, log, logger, { patience_ms: patience_ms.applier })),
        follower,
        mode,
        policies: { onRestore: on_restore, schema },
        surroundings: surroundingsFor(logger),
        identity,
      });
      return {
        service: applier,
        show: () => showApplier(applier, watched),
        close: () => follower.close(),
      };
    },
    async carryOut(order) {
      if (order === 'restart') return;
      const follower = await openFollower(loaded, name, logger);
      try {
        await resyncFollower(follower, log, mode);
      } finally {
        await follower.close();
      }
    },
  };
}

/** A stop in progress is not work: it must not look like a recovery. */
const worksIn = (phase: string): boolean =>
  phase !== 'starting' && phase !== 'stopped' && phase !== 'fenced' && phase !== 'standby';

const shareOf = (held: readonly number[]): string =>
  held.length === 0 ? 'standby' : `partition${held.length > 1 ? 's' : ''} ${held.join(', ')}`;

/** A store that works on a large batch may take this long; beyond it people want to know. */
const unanswered_ms = 10_000;

function showApplier(applier: Applier, watched: WatchedFollower): Showing {
  const pending = watched.pending();
  const { phase, waiting, applied, latency, others, partitions } = applier.status();
  const pending_ms = pending ? systemClock.monotonic() - pending.since_ms : 0;
  const hangs =
    pending && !waiting && pending_ms > unanswered_ms
      ? `the follower has not answered \`${pending.call}\` for ${Math.floor(pending_ms / 1_000)} s`
      : undefined;
  const code = waiting?.code;
  const known = code !== undefined && Object.hasOwn(faultCatalogue, code);
  return {
    state: phase === 'waiting' || hangs ? 'waiting' : worksIn(phase) ? 'running' : 'starting',
    doing: hangs ?? waiting?.reason ?? phase,
    fault: waiting && known ? { code: code as FaultCode, detail: waiting.reason } : undefined,
    isSecond: phase === 'standby' || partitions?.speaks === false,
    others: others.map(({ host, pid, partitions: held }) => ({ host, pid, doing: shareOf(held) })),
    figures: {
      events: applied.events,
      transactions: applied.transactions,
      commits: applied.commits,
      bytes: applied.bytes,
      ...durationFigures('apply', watched.transactions()),
      ...durationFigures('latency', latency),
    },
  };
}
