import { ChainReader, type Log } from '@millrace/log';
import { parseLsn } from '@millrace/model';

/** Follows the progress records of a log and adds up the events that they cover. */
export class ChainCounter {
  readonly #reader: ChainReader;
  #events = 0;
  #snapshotDone = false;

  constructor(log: Log) {
    this.#reader = new ChainReader(log, { kind: 'start' });
  }

  /** Events that counting records cover, as of the last `read`. */
  get events(): number {
    return this.#events;
  }

  /** The initial snapshot is complete, as of the last `read`. */
  get snapshotDone(): boolean {
    return this.#snapshotDone;
  }

  /** Reads what is durable by now. */
  async read(): Promise<void> {
    await this.#reader.readToHead(({ record }) => {
      if (record.kind !== 'progress') return;
      this.#events += Number(record.events);
      this.#snapshotDone ||= record.snapshotDone;
    });
  }

  /** The log covers the leader's commits up to `end`, as of the last `read`. */
  covers(end: string): boolean {
    return this.#reader.state.to.end >= parseLsn(end);
  }
}
