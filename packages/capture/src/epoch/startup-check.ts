import type { ChainReader, Log } from '@millrace/log';
import { formatLsn, formatPosition, maxLsn, type Position } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { ChainFacts, TopicFacts } from '../chain/chain-facts.js';
import type { CaptureDecisions } from '../decisions.js';
import type { CaptureSettings } from '../options.js';
import type { SourceSession } from '../source.js';
import { describeFork, type ForkVerdict } from './fork.js';

/** How the epoch opens. */
export interface Opening {
  /** What `open` says, and where streaming resumes. */
  readonly at: Position;
  readonly fork?: Extract<ForkVerdict, { kind: 'fork' }>;
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
  const { decisions } = settings;
  const lost = await checkPartitions(settings, facts);
  if (!facts.leader) {
    const at = { history: 0, end: session.created?.consistentPoint ?? session.confirmed };
    return { at, read: session.created ? 'initial' : 'all-windowed' };
  }
  const fork = decisions.forkVerdict(facts.leader, session.identity, resume);
  if (fork.kind === 'replaced')
    throw new Fault('MR-2008', {
      detail: `the log was filled from system ${fork.was}, the leader is system ${fork.now}`,
    });
  if (fork.kind === 'fork' && fork.retracted && settings.policies.onFork === 'stop')
    throw new Fault('MR-2007', { detail: describeFork(fork) });
  const at = fork.kind === 'fork' ? fork.resume : resume;
  const forked = fork.kind === 'fork' ? { fork } : {};
  const gap = await checkSlot(settings, session, facts, reader, at);
  if (gap) return { at, ...forked, jumpTo: gap, read: 'all-windowed' };
  const readAgain = lost || (fork.kind === 'fork' && fork.retracted);
  return { at, ...forked, read: readAgain ? 'all-windowed' : 'nothing' };
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
  const existing = new Map((await log.topics()).map((topic) => [topic.name, topic]));
  let isLost = false;
  for (const topic of [...facts.topics.values()]) {
    const loss = await lossOf(log, decisions, topic, existing.get(topic.name)?.partitions ?? 0);
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
  found: number,
): Promise<Fault | undefined> {
  for (let partition = 0; partition < partitions; partition++) {
    const covered = all[partition] ?? -1n;
    const watermarks = partition < found ? await log.watermarks(name, partition) : undefined;
    const verdict = decisions.partitionVerdict({ covered, watermarks });
    // A topic that never held an event may be made again: nothing can be missing.
    if (verdict === 'fine' || (covered < 0n && found === 0)) continue;
    return new Fault(verdict === 'recreated' ? 'MR-3005' : 'MR-3007', {
      detail: `${name} partition ${partition} ends at ${watermarks?.high ?? 'nothing'}, but records cover it up to ${covered}`,
      context: { topic: name, partition, covered },
    });
  }
  return undefined;
}

async function endsOf(log: Log, { name, partitions }: TopicFacts): Promise<bigint[]> {
  const ends: bigint[] = [];
  for (let partition = 0; partition < partitions; partition++)
    ends.push((await log.watermarks(name, partition)).high);
  return ends;
}
