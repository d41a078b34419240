import type { Drained } from '../contestants/contestant.js';
import { median } from '../measure/statistics.js';
import type { Goal } from './figure.js';

/** A number that every drain yields. */
export interface DrainFigure {
  readonly name: string;
  readonly unit: string;
  readonly goal?: Goal;
  of(drained: Drained): number;
}

const million = 1_000_000;
/** The leader's part of a drain: everybody has one, so it is no cost of the contestant's own. */
const leadersOwn = 'walsender';

function ownProcesses({ processes }: Drained): Drained['processes'] {
  return processes.filter(({ name }) => name !== leadersOwn);
}

export function drainRate(goal?: Goal): DrainFigure {
  return {
    name: 'drain rate',
    unit: 'events/s',
    ...(goal && { goal }),
    of: ({ events, seconds }) => events / seconds,
  };
}

/** User and system time of the contestant's own processes together. */
export function cpuPerMillion(goal?: Goal): DrainFigure {
  return {
    name: 'CPU per million events',
    unit: 's',
    ...(goal && { goal }),
    of: (drained) =>
      ownProcesses(drained).reduce((sum, { cpu_s }) => sum + cpu_s, 0) / (drained.events / million),
  };
}

/** Peak anonymous memory of the contestant's own processes, added up; of one of them, if named. */
export function peakMemory(goal?: Goal, process?: string): DrainFigure {
  return {
    name: process === undefined ? 'peak memory' : `peak memory of ${process}`,
    unit: 'bytes',
    ...(goal && { goal }),
    of: (drained) =>
      ownProcesses(drained)
        .filter(({ name }) => process === undefined || name === process)
        .reduce((sum, { peakAnonymous_bytes }) => sum + peakAnonymous_bytes, 0),
  };
}

/** One line about a side's drains, for people who watch. */
export function inWords(drained: Drained): string {
  const rate = Math.round(drainRate().of(drained)).toLocaleString('en');
  const cpu = drained.processes.map(({ name, cpu_s }) => `${name} ${cpu_s.toFixed(2)}`).join(', ');
  return `${drained.seconds.toFixed(2)} s, ${rate} events/s; CPU s: ${cpu}`;
}

/** Median of a figure over drains. */
export function medianOf(figure: DrainFigure, drains: readonly Drained[]): number {
  return median(drains.map((drained) => figure.of(drained)));
}
