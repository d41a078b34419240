import { decodeAnchor, type FollowerReport, type FollowerReports } from '@millrace/log';
import { type Clock, type Fault, type Logger, toFault } from '@millrace/runtime';
import { orphans, type Standing, stateOf } from '../session/standing.js';

/** Who reports. */
export interface Reporter {
  readonly follower: string;
  readonly storeId: Uint8Array;
  readonly owner: Uint8Array;
}

/**
 * Reports the follower's position to the log's table after commits (R23), at most once per pause, always the latest. A
 * report that fails is tried again with the next pause: reports are hints to everybody but this follower itself.
 */
export class PositionReports {
  readonly #reports: FollowerReports;
  readonly #reporter: Reporter;
  readonly #topicName: (topic: number) => string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #pause_ms: number;
  #latest: Standing | undefined;
  #wake: (() => void) | undefined;

  constructor(
    reports: FollowerReports,
    reporter: Reporter,
    options: {
      readonly topicName: (topic: number) => string;
      readonly clock: Clock;
      readonly logger: Logger;
      readonly pause_ms: number;
    },
  ) {
    this.#reports = reports;
    this.#reporter = reporter;
    this.#topicName = options.topicName;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#pause_ms = options.pause_ms;
  }

  /** To be called after each commit. */
  committed(standing: Standing): void {
    this.#latest = standing;
    this.#wake?.();
  }

  /** Reports until `signal` aborts; then once more what is not reported yet. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#latest) await this.#flush();
      if (signal.aborted) break;
      await this.#clock.sleep(this.#pause_ms, signal);
      if (!this.#latest) await this.#next(signal);
    }
    if (this.#latest) await this.#flush();
  }

  async #flush(): Promise<void> {
    const standing = this.#latest as Standing;
    this.#latest = undefined;
    try {
      await this.send(standing);
    } catch (error) {
      const fault = toFault(error);
      this.#logger.warn(
        { follower: this.#reporter.follower, code: fault.code },
        `report failed: ${fault.detail}`,
      );
      this.#latest ??= standing;
    }
  }

  async send(standing: Standing, fault?: Fault): Promise<void> {
    await this.#reports.report(reportOf(standing, this.#reporter, this.#topicName, this.#clock.now(), fault));
  }

  /** Resolves at the next commit, or when `signal` aborts. */
  async #next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = () => resolve();
      signal.addEventListener('abort', this.#wake, { once: true });
    }).finally(() => {
      if (this.#wake) signal.removeEventListener('abort', this.#wake);
      this.#wake = undefined;
    });
  }
}

/** A follower's report as the log keeps it; with `fault`, that of its stop. */
export function reportOf(
  standing: Standing,
  reporter: Reporter,
  topicName: (topic: number) => string,
  now_ms: number,
  fault: Fault | undefined,
): FollowerReport {
  const { notes } = standing;
  return {
    ...reporter,
    logId: standing.logId,
    state: fault ? 'stopped' : stateOf(standing),
    position: standing.position,
    anchor: decodeAnchor(standing.anchor),
    reportedAt_ms: now_ms,
    tablesBuilding: [...standing.building].map(topicName),
    registration: notes.registration,
    ...(fault ? { fault: { code: fault.code, detail: fault.detail } } : {}),
    ...requestsOf(standing, topicName),
  };
}

/** R30: what the follower lacks and no snapshot under way brings. */
function requestsOf(
  standing: Standing,
  topicName: (topic: number) => string,
): Pick<FollowerReport, 'requests'> {
  const { awaiting, newest } = standing.notes;
  if (awaiting !== null) return { requests: [{ kind: 'snapshot', topics: [], number: awaiting }] };
  const topics = orphans(standing).map(topicName);
  return topics.length > 0 ? { requests: [{ kind: 'snapshot', topics, number: newest }] } : {};
}
