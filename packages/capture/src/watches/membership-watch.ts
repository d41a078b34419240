import type { LogTable } from '@millrace/log';
import { Fault } from '@millrace/runtime';

/** The log's table that says by what each table belonged to the publication when it was looked at last. */
export const membershipTable = 'published';
/** Rows of that table: each is written as a whole, and stays well below what a log takes in one piece. */
const rows = 16;

/** By relation id: another text, and the table was out of the publication meanwhile, or is in it on other terms. */
export type Memberships = ReadonlyMap<number, string>;

/**
 * Finds tables that left the publication and came back: what happened to their rows meanwhile was not told. Compared with what the log
 * says of the look before, which may have been another capture's.
 */
export class MembershipWatch {
  readonly #known: LogTable;
  #noted: Map<number, string> | undefined;

  constructor(known: LogTable) {
    this.#known = known;
  }

  /** Those of `inForce` that came back. One that is new to the watch is none: it is read because it is new to the chain. */
  async returned<T extends { readonly id: number }>(inForce: readonly T[], now: Memberships): Promise<T[]> {
    this.#noted ??= await this.#load();
    const noted = this.#noted;
    return inForce.filter(({ id }) => {
      const [before, present] = [noted.get(id), now.get(id)];
      return before !== undefined && present !== undefined && before !== present;
    });
  }

  /** Notes what was seen, once it stands in the chain that the tables are read. Tables that are out keep what they had. */
  async note(now: Memberships): Promise<void> {
    this.#noted ??= await this.#load();
    const changed = new Set<number>();
    for (const [id, text] of now) {
      if (this.#noted.get(id) === text) continue;
      this.#noted.set(id, text);
      changed.add(id % rows);
    }
    for (const row of changed) {
      const entries = [...this.#noted].filter(([id]) => id % rows === row);
      await this.#known.put(String(row), Buffer.from(JSON.stringify(entries), 'utf8'));
    }
  }

  async #load(): Promise<Map<number, string>> {
    const noted = new Map<number, string>();
    for (const [, bytes] of await this.#known.entries())
      for (const [id, text] of parse(bytes)) noted.set(id, text);
    return noted;
  }
}

function parse(bytes: Uint8Array): readonly (readonly [number, string])[] {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as readonly (readonly [number, string])[];
  } catch (cause) {
    throw new Fault('MR-3012', { detail: 'what the log says of published tables cannot be read', cause });
  }
}
