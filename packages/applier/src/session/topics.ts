import {
  type Anchor,
  ChainReader,
  type ChainStart,
  type CountingRecord,
  decodeRecord,
  FollowerReports,
  type LayoutTopic,
  type Log,
  type OpenRecord,
} from '@millrace/log';
import { Fault } from '@millrace/runtime';

/** Names of topics by the numbers that records use. Numbers are never given twice, so the map only grows. */
export class Topics {
  readonly #names = new Map<number, string>();
  readonly #numbers = new Map<string, number>();

  add(layout: readonly LayoutTopic[]): void {
    for (const { number, name } of layout) {
      this.#names.set(number, name);
      this.#numbers.set(name, number);
    }
  }

  find(number: number): string | undefined {
    return this.#names.get(number);
  }

  nameOf(number: number): string {
    const name = this.#names.get(number);
    if (name === undefined)
      throw new Fault('MR-3002', {
        detail: `a record names topic ${number}, which no layout before it lists`,
      });
    return name;
  }

  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }
}

/** Takes in the topics that records of the chain bring. */
export function learnTopics(records: readonly CountingRecord[], topics: Topics): void {
  for (const { record } of records) {
    if (record.kind === 'layout') topics.add(record.topics);
    else if (record.kind === 'open') topics.add(record.layout);
  }
}

/** A checkpoint of the chain, and the record that made it. */
export interface Checkpoint {
  readonly anchor: Anchor;
  readonly open: OpenRecord;
}

/** The `open` at an anchor that capture has read back (§10), or undefined while there is none. */
export async function verifiedCheckpoint(log: Log): Promise<Checkpoint | undefined> {
  const anchor = await new FollowerReports(log).readAnchor();
  return anchor && { anchor, open: await verifiedOpen(log, anchor) };
}

/** The `open` that an anchor names, checked against the log. Throws MR-3003, MR-3006, MR-3007 when it is not there. */
export async function verifiedOpen(log: Log, anchor: Anchor): Promise<OpenRecord> {
  await new ChainReader(log, { kind: 'anchor', anchor }).verify();
  const { records } = await log.progress.read(anchor.offset, 1);
  const found = records[0];
  const record = found?.offset === anchor.offset ? decodeRecord(found.bytes) : undefined;
  if (record?.kind === 'open') return record;
  throw new Fault('MR-3006', {
    detail: `progress offset ${anchor.offset} should hold the "open" of a checkpoint, but holds ${record ? `"${record.kind}"` : 'nothing'}`,
    context: { anchor: anchor.offset },
  });
}

/**
 * The topics that records after `until` (a progress offset) may name: from the newest checkpoint, and from the layouts between
 * it and `until` when it is older. A newer checkpoint only knows more.
 */
export async function topicsUntil(log: Log, until: bigint): Promise<Topics> {
  const topics = new Topics();
  if (until < 0n) return topics;
  const checkpoint = await verifiedCheckpoint(log);
  if (checkpoint) topics.add(checkpoint.open.layout);
  if (checkpoint && checkpoint.anchor.offset >= until) return topics;
  const start: ChainStart = checkpoint ? { kind: 'anchor', anchor: checkpoint.anchor } : { kind: 'start' };
  await readUntil(new ChainReader(log, start), until, (record) => learnTopics([record], topics));
  return topics;
}

/** Hands over counting records up to and including offset `until`, without waiting for more. */
async function readUntil(
  reader: ChainReader,
  until: bigint,
  onRecord: (record: CountingRecord) => void,
): Promise<void> {
  await reader.readToHead((record) => {
    if (record.offset <= until) onRecord(record);
  });
}
