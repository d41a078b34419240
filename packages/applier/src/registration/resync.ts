import type { Follower } from '@millrace/follower';
import { anchorOf, ChainReader, type CountingRecord, type Log } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import type { ApplierMode } from '../policies.js';
import { parseNotes } from '../session/notes.js';
import { type Checkpoint, verifiedCheckpoint } from '../session/topics.js';
import { atCheckpoint } from './registration.js';

/**
 * Orders a follower to be read anew: its position row is reset to `building` at the newest checkpoint. Its rows stay readable
 * meanwhile; the windowed snapshot that capture makes on the applier's request replaces them range by range. A
 * running applier notices the new registration by itself. This is also how a follower changes its mode, or its number of partitions.
 */
export async function resyncFollower(
  follower: Follower,
  log: Log,
  mode: ApplierMode = { kind: 'transactional' },
): Promise<void> {
  const checkpoint = (await verifiedCheckpoint(log)) ?? (await newestOpen(log));
  if (!checkpoint)
    throw new Fault('MR-3003', {
      detail: 'the log holds no checkpoint that a resync could start from',
      remedy: 'Start capture first: it writes one at once.',
    });
  const rows = await follower.partitioned?.rows();
  const row = rows?.[0] ?? (await follower.position());
  const initial = atCheckpoint(log, checkpoint, registrationAfter(row?.notes));
  if (mode.kind === 'transactional') await follower.register(initial, { reset: true });
  else if (follower.partitioned)
    await follower.partitioned.register(initial, mode.partitions, { reset: true });
  else throw new Fault('MR-4015', { detail: `${follower.capabilities.kind} has no partitioned mode` });
}

/** Notes that cannot be read belong to something else; whatever they counted is over. */
function registrationAfter(notes: string | undefined): number {
  if (notes === undefined) return 1;
  try {
    return parseNotes(notes).registration + 1;
  } catch {
    return 1;
  }
}

/** The last `open` of a log that nobody has checkpointed yet. */
async function newestOpen(log: Log): Promise<Checkpoint | undefined> {
  let newest: Checkpoint | undefined;
  await new ChainReader(log, { kind: 'start' }).readToHead(({ record, state }: CountingRecord) => {
    if (record.kind === 'open') newest = { anchor: anchorOf(state), open: record };
  });
  return newest;
}
