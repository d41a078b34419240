import type { Follower, StoredPosition } from '@millrace/follower';
import { anchorOf, encodeAnchor, type Log, startOfChain } from '@millrace/log';
import { startOfHistory } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import { formatNotes } from '../session/notes.js';
import { type Checkpoint, verifiedCheckpoint } from '../session/topics.js';

/** Random bytes from the injected source of chance, so that simulations repeat. For identities, not for secrets. */
export function randomBytesOf(random: () => number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256));
}

const firstRegistration = 1;

/** R4: the start of the log is a start only while nothing was trimmed, neither records nor the events they name. */
export async function isUntrimmed(log: Log): Promise<boolean> {
  if ((await log.progress.watermarks()).low > 0n) return false;
  for (const { name, partitions } of await log.topics())
    for (let partition = 0; partition < partitions; partition++)
      if ((await log.watermarks(name, partition)).low > 0n) return false;
  return true;
}

/**
 * Where a new follower begins: at offset 0 while the whole log is there (its beginning holds the initial snapshot), else at the
 * newest checkpoint as `building`, waiting for a snapshot begun after it (R30).
 */
export async function initialPosition(log: Log): Promise<StoredPosition> {
  if (await isUntrimmed(log)) return atStart(log);
  const checkpoint = await verifiedCheckpoint(log);
  if (checkpoint) return atCheckpoint(log, checkpoint, firstRegistration);
  throw new Fault('MR-3003', {
    detail: 'the beginning of the log was trimmed, and no checkpoint to start from is there yet',
    remedy: 'Start capture: it writes a checkpoint within a minute. Then start this follower again.',
  });
}

function atStart(log: Log): StoredPosition {
  return {
    logId: log.id,
    position: startOfHistory,
    anchor: encodeAnchor(anchorOf(startOfChain(log.id))),
    state: 'exact',
    notes: formatNotes({
      registration: firstRegistration,
      awaiting: null,
      running: {},
      closing: [],
      newest: 0,
      shapes: [],
      adopt: false,
    }),
  };
}

/** `building` at a checkpoint: every table is read anew. */
export function atCheckpoint(log: Log, { anchor, open }: Checkpoint, registration: number): StoredPosition {
  const newest = open.snapshots.reduce((most, { id }) => Math.max(most, id), 0);
  return {
    logId: log.id,
    position: anchor.position,
    anchor: encodeAnchor(anchor),
    state: 'building',
    notes: formatNotes({
      registration,
      awaiting: newest,
      running: {},
      closing: [],
      newest,
      shapes: [],
      adopt: true,
    }),
  };
}

/** Registers the follower unless it is already. */
export async function ensureRegistered(follower: Follower, log: Log): Promise<void> {
  if (await follower.position()) return;
  await follower.register(await initialPosition(log), { reset: false });
}
