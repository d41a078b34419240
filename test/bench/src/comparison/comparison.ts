import type { Figure } from './figure.js';

/** Never compared across. Latency, and what we cost while nothing happens, have suites of their own. */
export const tiers = ['T1', 'T2', 'T3', 'T4', 'latency', 'footprint'] as const;
export type Tier = (typeof tiers)[number];

/** How a comparison is run this time. */
export interface RunOptions {
  /** A published run has at least five. */
  readonly pairs: number;
  /** Share of the workload as its title has it: of its backlog, or of its time. */
  readonly scale: number;
  /** One line of progress. */
  readonly say: (line: string) => void;
  /** Aborted by Ctrl-C: end soon, and leave nothing behind. */
  readonly signal: AbortSignal;
}

/** What a run of a comparison found. */
export interface Measured {
  readonly figures: readonly Figure[];
  /** Both sides' products, versions and settings. */
  readonly described: { readonly subject: string; readonly peer?: string };
  /** Of what both sides used: `PostgreSQL`, `Kafka`. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Everything else that was seen, for whoever looks closer: every drain, every process. Plain JSON. */
  readonly details: unknown;
}

/** One line of the suite: something of ours against its peer, on the same servers in the same run. */
export interface Comparison {
  readonly tier: Tier;
  /** `W2`, `W7`. */
  readonly workload: string;
  /** What the workload is, in one line. */
  readonly title: string;
  readonly subject: string;
  readonly peer?: string;
  /** Share of the workload that a published run takes, so that the whole suite ends within an hour; default 1. */
  readonly share?: number;
  /** Throws what went wrong; whatever happens it leaves no process, slot or folder behind. */
  measure(options: RunOptions): Promise<Measured>;
}

/** Unique in the suite: `T1 W2: millrace / pg_recvlogical`. */
export function idOf({
  tier,
  workload,
  subject,
  peer,
}: Pick<Comparison, 'tier' | 'workload' | 'subject' | 'peer'>): string {
  return `${tier} ${workload}: ${subject}${peer === undefined ? '' : ` / ${peer}`}`;
}

/** The same comparisons on a share of their workload. */
export const shortened = (share: number, ...comparisons: readonly Comparison[]): Comparison[] =>
  comparisons.map((comparison) => ({ ...comparison, share }));
