import { assert, Fault } from '@millrace/runtime';
import { nextSchemaId, schemaIdOf } from './schema-id.js';
import type { Registration, SchemaRegistry, SubjectVersion } from './schema-registry.js';

/** The part of a log's table that schemas need; `LogTable` of the log port fits. */
export interface SchemaTable {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, value: Uint8Array): Promise<void>;
  entries(): Promise<readonly (readonly [string, Uint8Array])[]>;
}

const schemaKey = (id: number): string => `schema/${id}`;
const subjectPrefix = 'subject/';
const subjectKey = (subject: string, id: number): string => `${subjectPrefix}${id}/${subject}`;
const memoOf = (subject: string, schema: string): string => `${subject}\n${schema}`;
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const id_max = 0x7fff_ffff;
/** Schemas whose hashes collide one after the other; more would be a broken table. */
const probes_max = 1000;

/**
 * Schemas in a table of the log itself: key `schema/<id>` holds the text, `subject/<id>/<subject>` the version number.
 * Keys follow from content, so that writers racing each other write the same. Two versions registered at the same
 * moment may note one number; they are then told apart by id, and listed one after the other.
 */
export function tableSchemaStore(table: SchemaTable): SchemaRegistry {
  return new TableSchemaStore(table, new Map());
}

/** Schemas in memory, for tests and for runs that keep nothing. */
export function memorySchemaStore(): SchemaRegistry {
  const kept = new Map<string, Uint8Array>();
  return tableSchemaStore({
    get: async (key) => kept.get(key),
    put: async (key, value) => {
      kept.set(key, value);
    },
    entries: async () => [...kept],
  });
}

class TableSchemaStore implements SchemaRegistry {
  readonly #table: SchemaTable;
  /** What this process has registered already, by subject and text. */
  readonly #known: Map<string, number>;

  constructor(table: SchemaTable, known: Map<string, number>) {
    this.#table = table;
    this.#known = known;
  }

  async get(id: number): Promise<string | undefined> {
    const bytes = await this.#table.get(schemaKey(id));
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
  }

  async register(subject: string, schema: string): Promise<number> {
    const memo = memoOf(subject, schema);
    const known = this.#known.get(memo);
    if (known !== undefined) return known;
    const id = await this.#place(schema);
    await this.#note(subject, id);
    this.#known.set(memo, id);
    return id;
  }

  async find(subject: string, schema: string): Promise<number | undefined> {
    const known = this.#known.get(memoOf(subject, schema));
    if (known !== undefined) return known;
    let id = schemaIdOf(schema);
    for (let probe = 0; probe < probes_max; probe++, id = nextSchemaId(id)) {
      const there = await this.get(id);
      if (there === undefined) return undefined;
      if (there === schema)
        return (await this.#table.get(subjectKey(subject, id))) === undefined ? undefined : id;
    }
    return undefined;
  }

  async subjects(): Promise<readonly string[]> {
    return [...new Set((await this.registrations()).map(({ subject }) => subject))];
  }

  async versions(subject: string): Promise<readonly SubjectVersion[]> {
    const rows = (await this.registrations()).filter((row) => row.subject === subject);
    return rows.map(({ version, id }) => ({ version, id }));
  }

  async registrations(): Promise<readonly Registration[]> {
    const rows = await this.#subjectRows();
    rows.sort((a, b) => compareText(a.subject, b.subject) || a.version - b.version || a.id - b.id);
    let rank = 0;
    return rows.map(({ subject, id }, i) => {
      rank = rows[i - 1]?.subject === subject ? rank + 1 : 1;
      return { subject, version: rank, id };
    });
  }

  /** Finds the schema, or the first free id from its own on. */
  async #place(schema: string): Promise<number> {
    let id = schemaIdOf(schema);
    for (let probe = 0; probe < probes_max; probe++, id = nextSchemaId(id)) {
      const there = await this.get(id);
      if (there === schema) return id;
      if (there !== undefined) continue;
      await this.#table.put(schemaKey(id), Buffer.from(schema, 'utf8'));
      // Another schema with the same hash may have been put at the same moment: what the table now holds decides.
      if ((await this.get(id)) === schema) return id;
    }
    throw new Fault('MR-9001', { detail: `no free schema id within ${probes_max} of ${schemaIdOf(schema)}` });
  }

  async #note(subject: string, id: number): Promise<void> {
    assert(id > 0 && id <= id_max, `schema id ${id} is a positive 31-bit integer`);
    const key = subjectKey(subject, id);
    if ((await this.#table.get(key)) !== undefined) return;
    const version = (await this.versions(subject)).length + 1;
    await this.#table.put(key, Buffer.from(String(version), 'utf8'));
  }

  async #subjectRows(): Promise<{ subject: string; id: number; version: number }[]> {
    const rows = await this.#table.entries();
    return rows
      .filter(([key]) => key.startsWith(subjectPrefix))
      .map(([key, value]) => {
        const rest = key.slice(subjectPrefix.length);
        const slash = rest.indexOf('/');
        return {
          id: Number(rest.slice(0, slash)),
          subject: rest.slice(slash + 1),
          version: Number(Buffer.from(value).toString('utf8')),
        };
      });
  }
}
