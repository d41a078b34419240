import { type FollowerReport, type FollowerReports, sameBytes } from '@millrace/log';
import { type Lsn, lsnZero, type Position } from '@millrace/model';
import type { ChainFacts } from '../chain/chain-facts.js';
import type { CaptureSettings } from '../options.js';
import { unfinished } from '../snapshot/states.js';

/** Where the named followers are, for §11: 0 for one that is not exact, of another log or history, or unknown. */
export function followerPositions(
  names: readonly string[],
  reports: readonly FollowerReport[],
  logId: Uint8Array,
  history: number,
): Lsn[] {
  return names.map((name) => {
    const report = reports.find(({ follower }) => follower === name);
    if (report?.state !== 'exact' || !sameBytes(report.logId, logId)) return lsnZero;
    return report.position.history === history ? report.position.end : lsnZero;
  });
}

/** The last snapshot that was finished, as far as this capture knows. */
export interface FinishedSnapshot {
  readonly id: number;
  readonly offset: bigint;
}

/**
 * Which topics followers ask to be read and no snapshot serves: one is under way that is newer than the wish and holds the topic, or
 * one was finished that the follower has not come to yet.
 */
export function unservedTopics(
  reports: readonly FollowerReport[],
  logId: Uint8Array,
  facts: Pick<ChainFacts, 'topics' | 'snapshots' | 'shapes'>,
  finished: FinishedSnapshot | undefined,
): number[] {
  const wanted = new Set<number>();
  for (const { requests = [], anchor, logId: madeWith } of reports) {
    if (!sameBytes(madeWith, logId)) continue;
    for (const { topics, number } of requests) {
      if (finished && finished.id > number && anchor.offset < finished.offset) continue;
      const running = unfinished(facts.snapshots).filter(({ id }) => id > number);
      for (const topic of facts.shapes.keys()) {
        const name = facts.topics.get(topic)?.name ?? '';
        if (topics.length > 0 && !topics.includes(name)) continue;
        if (!running.some(({ tables }) => tables.some((table) => table.topic === topic))) wanted.add(topic);
      }
    }
  }
  return [...wanted].sort((a, b) => a - b);
}

export interface FollowersWatchOptions {
  readonly settings: CaptureSettings;
  readonly reports: FollowerReports;
  readonly facts: ChainFacts;
  readonly tail: () => Position;
  readonly finished: () => FinishedSnapshot | undefined;
  /** A request of ours is on its way into the chain. */
  readonly requesting: () => boolean;
  readonly onPositions: (positions: readonly Lsn[]) => void;
  readonly onWanted: (topics: readonly number[]) => void;
  readonly signal: AbortSignal;
}

/** Looks at the followers' reports now and then: where they are, and what they want to be read again. */
export async function watchFollowers(options: FollowersWatchOptions): Promise<void> {
  const { settings, reports, facts, signal } = options;
  const { applyFollowers = [] } = settings.pipeline;
  const { clock } = settings.surroundings;
  const logId = settings.log.id;
  while (!signal.aborted) {
    const list = await reports.list();
    if (signal.aborted) return;
    if (applyFollowers.length > 0)
      options.onPositions(followerPositions(applyFollowers, list, logId, options.tail().history));
    if (!options.requesting()) {
      const topics = unservedTopics(list, logId, facts, options.finished());
      if (topics.length > 0) options.onWanted(topics);
    }
    await clock.sleep(settings.limits.followers_ms, signal);
  }
}
