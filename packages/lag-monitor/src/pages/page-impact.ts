import { formatBytes, formatDuration } from '../quantity.js';
import type { EdgeView, Verdict } from '../verdict/verdict.js';

/** What an edge that is late does to those who read it, to its neighbours and to the leader's disk, in one line. */
export function impactOf(edge: EdgeView, verdict: Verdict): string {
  const lost = verdict.sample.leader.ok && verdict.sample.leader.value.slot?.walStatus === 'lost';
  const served =
    edge.kind === 'capture'
      ? 'followers get nothing newer than the log holds'
      : edge.staleness_s === undefined
        ? `how old ${edge.edge}'s data is: unknown`
        : `${edge.edge} serves data ${formatDuration(edge.staleness_s)} old`;
  return `${served}; ${lost ? 'changes are lost' : 'nothing lost'}; ${othersText(edge, verdict)}; ${diskText(verdict)}.`;
}

function othersText(edge: EdgeView, verdict: Verdict): string {
  const late = verdict.followers.filter(
    (other) =>
      other.edge !== edge.edge &&
      (other.note?.state === 'stopped' ||
        (other.charged_bytes !== undefined && other.charged_bytes > (other.budget?.page_bytes ?? Infinity))),
  );
  if (verdict.followers.length < 2) return 'no other followers';
  return late.length === 0
    ? 'other followers fine'
    : `also late: ${late.map((other) => other.edge).join(', ')}`;
}

/** Only what the slot retains threatens the leader's disk, whoever is behind. */
export function sourceAtRisk(verdict: Verdict): boolean | undefined {
  if (!verdict.sample.leader.ok) return undefined;
  const { slot, slotKeepLimit_bytes } = verdict.sample.leader.value;
  if (!slot) return false;
  if (slot.walStatus === 'unreserved' || slot.walStatus === 'extended') return true;
  const retained = verdict.slotRetained_bytes;
  if (retained === undefined) return undefined;
  return retained > (slotKeepLimit_bytes ?? unlimitedRetention_bytes);
}

/** With no limit set, a slot that holds this much deserves a look at the disk. */
const unlimitedRetention_bytes = 16 * 2 ** 30;

function diskText(verdict: Verdict): string {
  const atRisk = sourceAtRisk(verdict);
  const slot = `(slot ${formatBytes(verdict.slotRetained_bytes)})`;
  if (atRisk === undefined) return `leader's disk unknown ${slot}`;
  return `leader's disk ${atRisk ? 'at risk' : 'not at risk'} ${slot}`;
}
