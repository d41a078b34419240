import type { ChainReader, Log, Watermarks } from '@millrace/log';
import { formatLsn, formatPosition, maxLsn, type Position } from '@millrace/model';
import { Fault, isFault } from '@millrace/runtime';
import type { ChainFacts, TopicFacts } from '../chain/chain-facts.js';
import type { CaptureDecisions } from '../decisions.js';
import type { CapturePolicies, CaptureSettings } from '../options.js';
import type { LeaderIdentity, SourceSession } from '../source.js';
import { describeFork, type Fork } from './fork.js';
import { describePutBack, putBackFork } from './put-back.js';

/** How the epoch opens. */
export interface Opening {
  /** What `open` says, and where streaming resumes. */
  readonly at: Position;
  readonly fork?: Fork;
  /** Commits between `at` and here are lost; every table is read again (policy). */
  readonly jumpTo?: Position;
  /** What has to be read: nothing, the initial snapshot of a slot just made, or every table in windows. */
  readonly read: 'nothing' | 'initial' | 'all-windowed';
}

/**
 * CHECK (§4, R7, §8): compares slot, leader and log with the chain, before anything is written. Repeated at every connection.
 */
export async function checkStart(
  settings: CaptureSettings,
  session: SourceSession,
  facts: ChainFacts,
  reader: ChainReader,
  resume: Position,
): Promise<Opening> {
  const lost = await checkPartitions(settings, facts);
  if (!facts.leader) {
    const at = { history: 0, end: session.created?.consistentPoint ?? session.confirmed };
    return { at, read: session.created ? 'initial' : 'all-windowed' };
  }
  const fork = await checkLeader(settings, session, facts.leader, resume);
  const at = fork?.resume ?? resume;
  const forked = fork && { fork };
  const gap = fork?.jumpTo ?? (await checkSlot(settings, session, facts, reader, at));
  if (gap) return { at, ...forked, jumpTo: gap, read: 'all-windowed' };
  return { at, ...forked, read: lost || fork?.retracted ? 'all-windowed' : 'nothing' };
}

/** §8: whether the leader took another way than the log, and where they part. */
async function checkLeader(
  settings: CaptureSettings,
  session: SourceSession,
  stored: LeaderIdentity,
  resume: Position,
): Promise<Fork | undefined> {
  const { decisions, policies } = settings;
  const verdict = decisions.forkVerdict(stored, session.identity, resume);
  if (verdict.kind === 'replaced')
    throw new Fault('MR-2008', {
      detail: `the log was filled from system ${verdict.was}, the leader is system ${verdict.now}`,
    });
  const fork = verdict.kind === 'fork' ? verdict : undefined;
  const at = fork?.resume ?? resume;
  const held = decisions.walVerdict(session.wal, at);
  if (held !== 'whole') return await wherePutBack(session, held, at, resume, policies);
  if (fork?.retracted && policies.onFork === 'stop')
    throw new Fault('MR-2007', { detail: describeFork(fork) });
  return fork;
}

/** The leader's WAL ended before `at` when the session began. */
async function wherePutBack(
  session: SourceSession,
  held: 'late' | 'put-back',
  at: Position,
  resume: Position,
  { onFork }: CapturePolicies,
): Promise<Fork> {
  const { wal, confirmed, created } = session;
  // A capture paused since then finds the log filled by its successor: its own connection is what was lost.
  if ((await session.leaderPosition()) >= at.end)
    throw new Fault('MR-2012', {
      detail: `the leader’s WAL ended at ${formatLsn(wal.end)} when this session began; more was published since`,
    });
  if (held === 'late')
    throw new Fault('MR-2001', {
      detail: `the leader is a standby that has replayed up to ${formatLsn(wal.end)}; capture waits until it has come to ${formatPosition(at)}, where the log ends`,
      remedy: 'None needed while the standby catches up.',
    });
  if (onFork === 'stop') throw new Fault('MR-2007', { detail: describePutBack(wal, at) });
  // Then new commits below it would never be sent.
  if (confirmed > wal.end)
    throw new Fault('MR-2007', {
      detail: `${describePutBack(wal, at)}, and its slot was confirmed up to ${formatLsn(confirmed)} since`,
      remedy: 'Drop the slot, then run `millrace resync --all`.',
    });
  return putBackFork(created?.consistentPoint ?? confirmed, resume);
}

/** Returns where to jump when commits are missing and the policy allows it. */
async function checkSlot(
  settings: CaptureSettings,
  session: SourceSession,
  facts: ChainFacts,
  reader: ChainReader,
  resume: Position,
): Promise<Position | undefined> {
  const verdict = settings.decisions.slotVerdict({
    confirmed: session.confirmed,
    resume,
    empty: facts.empty,
    created: session.created !== undefined,
  });
  if (verdict === 'continue' || verdict === 'first-open' || verdict === 'adopt-slot') return undefined;
  // R7: first read to the head; a newer claim means that we are the old ones, and the slot has rightly moved on.
  const { epoch } = reader.state;
  await reader.readToHead();
  if (reader.state.epoch > epoch)
    throw new Fault('MR-2009', { detail: `epoch ${reader.state.epoch} was claimed by another capture` });
  // A capture paused since it made the slot finds the log filled by its successor: its own connection is what was lost.
  await session.leaderPosition();
  const start = session.created?.consistentPoint ?? session.confirmed;
  if (settings.policies.onGap === 'resnapshot')
    return { history: resume.history, end: maxLsn(start, resume.end) };
  const positions = `the slot starts at ${formatLsn(start)}, the log ends at ${formatPosition(resume)}`;
  throw verdict === 'slot-recreated'
    ? new Fault('MR-2005', { detail: `the slot did not exist although the log is not empty: ${positions}` })
    : new Fault('MR-2006', { detail: positions });
}

/**
 * Every partition holds what records cover. Where events are lost, that is a fault, or by policy the topic begins anew where it ends now:
 * then true, and every table is to be read again. Followers that still need what is lost stop at it.
 */
async function checkPartitions(
  { log, decisions, policies, surroundings }: CaptureSettings,
  facts: ChainFacts,
): Promise<boolean> {
  const existing = new Set((await log.topics()).map(({ name }) => name));
  let isLost = false;
  for (const topic of [...facts.topics.values()]) {
    const loss = await lossOf(log, decisions, topic, existing.has(topic.name));
    if (!loss) continue;
    if (policies.onGap !== 'resnapshot') throw loss;
    surroundings.logger.warn({ code: loss.code }, `${loss.detail}: the topic begins anew`);
    await log.createTopic(topic.name, topic.partitions);
    facts.beginAnew({ ...topic, endOffsets: await endsOf(log, topic) });
    isLost = true;
  }
  return isLost;
}

/** What is missing of a topic, as a fault; undefined: nothing. */
async function lossOf(
  log: Log,
  decisions: CaptureDecisions,
  { name, partitions, covered: all }: TopicFacts,
  isListed: boolean,
): Promise<Fault | undefined> {
  for (let partition = 0; partition < partitions; partition++) {
    const covered = all[partition] ?? -1n;
    // A topic that never held an event may be made again: nothing can be missing.
    if (covered < 0n && !isListed) continue;
    const watermarks = await watermarksOf(log, name, partition);
    const verdict = decisions.partitionVerdict({ covered, watermarks });
    if (verdict === 'fine') continue;
    return new Fault(verdict === 'recreated' ? 'MR-3005' : 'MR-3007', {
      detail: `${name} partition ${partition} ends at ${watermarks?.high ?? 'nothing'}, but records cover it up to ${covered}`,
      context: { topic: name, partition, covered },
    });
  }
  return undefined;
}

/**
 * Undefined: no such partition. Asked for by name even where the list of topics lacks it: a list shows what the broker that was asked
 * knows, and one that has just started may know little.
 */
async function watermarksOf(log: Log, name: string, partition: number): Promise<Watermarks | undefined> {
  try {
    return await log.watermarks(name, partition);
  } catch (error) {
    if (isFault(error, 'MR-3005')) return undefined;
    throw error;
  }
}

async function endsOf(log: Log, { name, partitions }: TopicFacts): Promise<bigint[]> {
  const ends: bigint[] = [];
  for (let partition = 0; partition < partitions; partition++)
    ends.push((await log.watermarks(name, partition)).high);
  return ends;
}
