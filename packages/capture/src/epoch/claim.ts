import {
  type ChainReader,
  type ChainStart,
  decodeRecord,
  encodeRecord,
  type FollowerReports,
  type Log,
  type RecordHead,
  sameBytes,
} from '@millrace/log';
import type { Position } from '@millrace/model';
import { backoff_ms, defaultBackoff, Fault, isFault } from '@millrace/runtime';
import type { ChainFacts } from '../chain/chain-facts.js';
import type { CaptureSettings } from '../options.js';
import type { CaptureState } from '../state.js';

/** A claim that counts, and where the chain stood when it did. */
export interface Claim {
  readonly epoch: number;
  readonly nonce: Uint8Array;
  readonly resume: Position;
}

const nonce_bytes = 16;

/** Where to start reading: at the anchor, or at the beginning of a log that was never trimmed (R4). */
export async function chainStart(log: Log, reports: FollowerReports, facts: ChainFacts): Promise<ChainStart> {
  const anchor = await reports.readAnchor();
  if (!anchor) return { kind: 'start' };
  const { records } = await log.progress.read(anchor.offset, 1);
  const found = records[0];
  if (found?.offset !== anchor.offset) return { kind: 'start' };
  const record = decodeRecord(found.bytes);
  if (!sameBytes(record.logId, log.id) || record.kind !== 'open') return { kind: 'start' };
  facts.apply(record);
  return { kind: 'anchor', anchor };
}

/**
 * READ → CLAIM → REREAD until a claim of ours counts. Only called while the slot is ours (R5). `onClaim` hears of every claim before it
 * is appended: should reading it back fail, it counts all the same, and is not a successor's.
 */
export async function claimEpoch(
  settings: CaptureSettings,
  reader: ChainReader,
  facts: ChainFacts,
  enter: (state: CaptureState) => void,
  onClaim: (nonce: Uint8Array) => void,
  signal: AbortSignal,
): Promise<Claim> {
  for (;;) {
    signal.throwIfAborted();
    enter({ name: 'read' });
    await reader.readToHead(({ record }) => facts.apply(record));
    // Told to stop meanwhile: the slot may be a successor's by now, which a claim of ours would fence.
    signal.throwIfAborted();
    const atRead = reader.state.to;
    const epoch = settings.decisions.nextEpoch(reader.state.epoch);
    const nonce = makeNonce(settings.surroundings.random);
    const head: RecordHead = { logId: settings.log.id, epoch, nonce, seq: 0n };
    enter({ name: 'claim', epoch });
    onClaim(nonce);
    const offset = await appendClaim(settings, head, signal);
    enter({ name: 'reread', epoch });
    const atClaim = await readToClaim(reader, facts, head, offset);
    if (atClaim) return { epoch, nonce, resume: settings.decisions.resumeFrom({ atRead, atClaim }) };
  }
}

/** On doubt the same bytes once more: the second of two equal claims is a duplicate (§3). */
async function appendClaim(
  { log, host, pid, version, surroundings }: CaptureSettings,
  head: RecordHead,
  signal: AbortSignal,
): Promise<bigint> {
  const bytes = encodeRecord({ ...head, kind: 'claim', host, pid, version });
  const fence = { epoch: head.epoch, nonce: head.nonce };
  for (let attempt = 0; ; attempt++) {
    try {
      return await log.progress.appendClaim(bytes, fence);
    } catch (error) {
      if (!isFault(error, 'MR-3013', 'MR-3008', 'MR-3009') || signal.aborted) throw error;
      surroundings.logger.warn({ err: error, epoch: head.epoch }, 'the claim is repeated');
      await surroundings.clock.sleep(backoff_ms(defaultBackoff, attempt, surroundings.random()), signal);
      signal.throwIfAborted();
    }
  }
}

/** R6: reads on to the own claim. Undefined: it is void. */
async function readToClaim(
  reader: ChainReader,
  facts: ChainFacts,
  { epoch, nonce }: RecordHead,
  offset: bigint,
): Promise<Position | undefined> {
  let found: Position | undefined;
  let newer: number | undefined;
  await reader.readToHead(({ record, state }) => {
    facts.apply(record);
    if (record.kind !== 'claim') return;
    if (record.epoch === epoch && sameBytes(record.nonce, nonce)) found = state.to;
    else if (found) newer = record.epoch;
  });
  if (newer !== undefined)
    throw new Fault('MR-2009', {
      detail: `epoch ${newer} was claimed after ours (${epoch})`,
      context: { epoch },
    });
  if (reader.nextOffset <= offset)
    throw new Fault('MR-3007', {
      detail: `the log acknowledged a claim at progress offset ${offset} but ends at ${reader.nextOffset}`,
    });
  return found;
}

const makeNonce = (random: () => number): Uint8Array =>
  Uint8Array.from({ length: nonce_bytes }, () => Math.floor(random() * 256));
