import type { LogTable } from '@millrace/log';

export type ServiceState = 'starting' | 'running' | 'waiting' | 'stopped';

/**
 * What a service tells about itself, kept in the log so that a monitor in another process sees it: the board by which
 * waiting is visible (promise 10) and a loud stop becomes a page (promise 5). Information only: nothing rests on it.
 */
export interface ServiceNote {
  /** `capture`, or a follower's name. */
  readonly service: string;
  readonly state: ServiceState;
  /** The step it is at, in the service's own words: `stream`, `applying`. */
  readonly doing: string;
  /** Why it waits or stopped. */
  readonly fault?: ServiceFault;
  /** Wall clock of the writer, ms: when this state began, and when it last said so. */
  readonly since_ms: number;
  readonly beat_ms: number;
  readonly pid: number;
  readonly host: string;
  /** Counters since its start, by name: `events`, `transactions`, `bytes`. */
  readonly figures: Readonly<Record<string, number>>;
  /** Further processes at the same service: standbys, or workers that share it. Absent when there are none. */
  readonly others?: readonly ServiceWorker[];
}

/** A process beside the one that writes the note. */
export interface ServiceWorker {
  readonly host: string;
  readonly pid: number;
  /** In words: `standby`, `partitions 1, 3`. */
  readonly doing: string;
}

export interface ServiceFault {
  readonly code: string;
  readonly name: string;
  readonly detail: string;
  readonly remedy: string;
}

/** The board is written at least this often; a note three times as old is silent. */
export const boardBeat_ms = 2_000;
export const silentAfter_ms = 3 * boardBeat_ms;

const states: readonly string[] = ['starting', 'running', 'waiting', 'stopped'];

/** The notes of a pipeline's services, one per service, last writer wins. */
export class ServiceBoard {
  readonly #table: LogTable;

  constructor(log: { table(name: string): LogTable }) {
    this.#table = log.table('services');
  }

  async write(note: ServiceNote): Promise<void> {
    await this.#table.put(note.service, Buffer.from(JSON.stringify(note), 'utf8'));
  }

  /** All notes that can be read, by service; a damaged one is left out, for it is information only. */
  async read(): Promise<ServiceNote[]> {
    const notes: ServiceNote[] = [];
    for (const [, bytes] of await this.#table.entries()) {
      const note = parse(bytes);
      if (note) notes.push(note);
    }
    return notes.sort((a, b) => (a.service < b.service ? -1 : 1));
  }
}

/** What `parse` has checked itself; the rest may be missing in a note of another version. */
type Told = Pick<ServiceNote, 'service' | 'state' | 'beat_ms'>;
const unsaid = { doing: '', pid: 0, host: '', figures: {} };

function parse(bytes: Uint8Array): ServiceNote | undefined {
  try {
    const note = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<ServiceNote>;
    const known = typeof note.service === 'string' && states.includes(note.state ?? '');
    return known && typeof note.beat_ms === 'number'
      ? { ...unsaid, since_ms: note.beat_ms, ...(note as Partial<ServiceNote> & Told) }
      : undefined;
  } catch {
    return undefined;
  }
}
