import type { Notification } from './notifier.js';
import { type Owed, owedKey } from './outbox.js';
import { PatientOutbox, type PatientOutboxOptions } from './patient-outbox.js';
import { type OwedHere, WaitingLine } from './waiting-line.js';

export interface DebtsOptions extends PatientOutboxOptions {
  /** The next of an alert has its turn: the one before it is not owed any more. */
  readonly onNext: (key: string) => void;
}

/**
 * What is owed, by this process's waiting line and the outbox together: another monitor on the same log may have delivered it,
 * and what could not be put there is owed all the same.
 */
export class Debts {
  readonly line = new WaitingLine();
  readonly #outbox: PatientOutbox;
  readonly #onNext: (key: string) => void;

  constructor(options: DebtsOptions) {
    this.#outbox = new PatientOutbox(options);
    this.#onNext = options.onNext;
  }

  /** What a predecessor left. */
  async takeOver(): Promise<void> {
    for (const owed of await this.#outbox.owed()) this.line.add(owedKey(owed), { ...owed, kept: true });
  }

  /** Keeps it as well as can be. Its key; undefined when it was owed before. */
  async add({ channel, notification }: Owed): Promise<string | undefined> {
    const owed = { channel, notification: clipped(notification) };
    const key = owedKey(owed);
    const kept = await this.#outbox.put(owed);
    return this.line.add(key, { ...owed, kept }) ? key : undefined;
  }

  /**
   * Whether a job's notification is still to be sent. Another monitor on the same log may have sent it, or have made the
   * job: what is in the outbox counts, and what could not be put there.
   */
  async isOwed(id: string, data: string): Promise<boolean> {
    const known = this.line.get(id);
    const owed = known ?? parse(data);
    if (!owed || owedKey(owed) !== id) return false;
    const kept = owed.kept ? await this.#outbox.has(id) : true;
    if (kept === false) {
      this.#tell(this.line.remove(id));
      return false;
    }
    this.line.add(id, owed);
    return true;
  }

  /** A predecessor that is not in the outbox any more was delivered by another monitor. */
  async isBlocked(key: string): Promise<boolean> {
    for (const earlier of this.line.before(key)) {
      if (!earlier.kept) return true;
      if ((await this.#outbox.has(owedKey(earlier))) !== false) return true;
      this.line.remove(owedKey(earlier));
    }
    return false;
  }

  /** Delivered, or given up: nothing of it remains, and the next of its alert has its turn. */
  async end(key: string): Promise<void> {
    const next = this.line.remove(key);
    await this.#outbox.delete(key);
    this.#tell(next);
  }

  #tell(next: string | undefined): void {
    if (next !== undefined) this.#onNext(next);
  }
}

/** What a fault had to say can be long; outboxes, jobs and bodies are bounded. Characters, of each text. */
const text_length_max = 2_000;

function clipped({ id, fields }: Notification): Notification {
  const short = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.slice(0, text_length_max) : value,
  ]);
  return { id, fields: Object.fromEntries(short) };
}

/** What another monitor put into a job. */
function parse(data: string): OwedHere | undefined {
  try {
    const { channel, notification, kept } = JSON.parse(data) as Partial<OwedHere>;
    return typeof channel === 'string' &&
      typeof notification?.id === 'string' &&
      typeof notification.fields?.dedup_key === 'string'
      ? { channel, notification, kept: kept === true }
      : undefined;
  } catch {
    return undefined;
  }
}
