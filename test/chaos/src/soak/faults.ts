import type { KafkaTrouble } from '../kafka-backbone.js';
import type { Part } from '../pipeline.js';

const gentle = [
  'freeze capture',
  'freeze replica',
  'freeze lake',
  'freeze monitor',
  'cut leader',
  'cut follower',
  'half-open leader',
  'half-open follower',
  'terminate walsender',
  'terminate follower backends',
  'restart leader',
  'restart follower server',
] as const;
const kills = ['kill capture', 'kill replica', 'kill lake', 'kill monitor'] as const;

/** What happens to a pipeline in a soak. */
export type SoakFault = (typeof gentle)[number] | (typeof kills)[number] | KafkaTrouble;

/** Killed in the first half only, spared in the second; the others the other way round: each lives for half a run. */
export const killedFirst: readonly Part[] = ['capture', 'replica'];
const killedThen: readonly Part[] = ['lake', 'monitor'];

const killsOf = (victims: readonly Part[]): SoakFault[] => victims.map((part) => `kill ${part}` as const);

export interface FaultPlan {
  readonly count: number;
  readonly kafka: boolean;
  readonly random: () => number;
}

/** A fault per interval. In each half every fault that may come there comes once before any comes again, in an order of the seed's. */
export function planFaults({ count, kafka, random }: FaultPlan): SoakFault[] {
  const brokers: readonly SoakFault[] = kafka ? ['broker', 'lost-response'] : [];
  const half = Math.ceil(count / 2);
  return [
    ...rounds([...killsOf(killedFirst), ...gentle, ...brokers], half, random),
    ...rounds([...killsOf(killedThen), ...gentle, ...brokers], count - half, random),
  ];
}

function rounds(faults: readonly SoakFault[], count: number, random: () => number): SoakFault[] {
  const list: SoakFault[] = [];
  while (list.length < count) list.push(...shuffled(faults, random));
  return list.slice(0, count);
}

function shuffled(faults: readonly SoakFault[], random: () => number): SoakFault[] {
  const list = [...faults];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j] as SoakFault, list[i] as SoakFault];
  }
  return list;
}
