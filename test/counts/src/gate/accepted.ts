import { readFileSync, writeFileSync } from 'node:fs';
import type { Allocation } from '../measure/allocation.js';
import { type RecordingName, readRecording } from '../recording/recording.js';
import { complaint, exact, foreign, judge } from './verdict.js';

const file = new URL('../../counts.json', import.meta.url);

/** A number per measure, by what was counted: `capture-avro narrow` → `heap_bytes_per_event` → 50.9. */
export type Figures = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** `counts.json`. */
export interface Accepted {
  /** By major version of Node. */
  readonly allocations: Readonly<Record<string, Figures>>;
  /** What goes over the wire to a PostgreSQL follower; the same on every runtime. */
  readonly wire: Figures;
}

const decimals = 10;

export const rounded = (value: number): number => Math.round(value * decimals) / decimals;

export const runtime = `node-${process.versions.node.split('.')[0]}`;

export const readAccepted = (): Accepted => JSON.parse(readFileSync(file, 'utf8')) as Accepted;

export const writeAccepted = (accepted: Accepted): void =>
  writeFileSync(file, `${JSON.stringify(accepted, null, 2)}\n`);

export function perEvent(allocation: Allocation, recording: RecordingName): Readonly<Record<string, number>> {
  const { events } = readRecording(recording);
  return {
    heap_bytes_per_event: rounded(allocation.heap_bytes / events),
    buffer_bytes_per_event: rounded(allocation.buffer_bytes / events),
  };
}

/** What is to be said about figures, compared with the accepted ones of this runtime, or of the nearest older one. */
export function allocationComplaints(
  accepted: Accepted,
  what: string,
  found: Readonly<Record<string, number>>,
): string[] {
  const known = accepted.allocations[runtime];
  const nearest = known ?? Object.values(accepted.allocations).at(-1) ?? {};
  return complaints(what, nearest[what], found, known ? exact : foreign);
}

export function complaints(
  what: string,
  accepted: Readonly<Record<string, number>> | undefined,
  found: Readonly<Record<string, number>>,
  tolerance = exact,
): string[] {
  return Object.entries(found).flatMap(([measure, value]) => {
    const said = complaint(`${what}: ${measure}`, judge(accepted?.[measure], value, tolerance));
    return said === undefined ? [] : [said];
  });
}
