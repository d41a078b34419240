import type { MirroredTable } from '@millrace/follower';
import type { Relation } from '@millrace/model';
import { type PgSession, quoteLiteral, quoteQualified } from '@millrace/postgres';
import type { TableName } from '../table/names.js';
import { run } from './sessions.js';

export interface TableEntry {
  readonly mirrored: MirroredTable;
  /** Where the rows are; differs from the relation's own name by the schema mapping, and while a swap of names is half done. */
  readonly place: TableName;
}

/** What the follower notes of each table that it mirrors. */
export class TableEntries {
  readonly #follower: string;
  readonly #tables: string;

  constructor(schema: string, follower: string) {
    this.#follower = follower;
    this.#tables = quoteQualified(schema, 'tables');
  }

  async read(session: PgSession): Promise<TableEntry[]> {
    const { rows } = await run(session, 'reading the mirrored tables', {
      text: `SELECT topic, version, state, relation, table_schema, table_name FROM ${this.#tables}
             WHERE follower = ${quoteLiteral(this.#follower)} ORDER BY topic`,
    });
    return rows.map((cells) => {
      const [topic, version, state, relation, schema, name] = cells as string[];
      return {
        mirrored: {
          topic: topic as string,
          version: Number(version),
          relation: JSON.parse(relation as string) as Relation,
          state: state as MirroredTable['state'],
        },
        place: { schema: schema as string, name: name as string },
      };
    });
  }

  async save(session: PgSession, entry: TableEntry): Promise<void> {
    const { mirrored, place } = entry;
    const set = ['version', 'state', 'relation', 'table_schema', 'table_name'];
    const values = [
      this.#follower,
      mirrored.topic,
      `${mirrored.version}`,
      mirrored.state,
      JSON.stringify(mirrored.relation),
      place.schema,
      place.name,
    ];
    await run(session, `recording table ${mirrored.topic}`, {
      text: `INSERT INTO ${this.#tables} (follower, topic, ${set.join(', ')}) VALUES (${values.map(quoteLiteral).join(', ')})
             ON CONFLICT (follower, topic) DO UPDATE SET ${set.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}`,
    });
  }

  async remove(session: PgSession, topic: string): Promise<void> {
    await run(session, `forgetting table ${topic}`, {
      text: `DELETE FROM ${this.#tables} WHERE follower = ${quoteLiteral(this.#follower)} AND topic = ${quoteLiteral(topic)}`,
    });
  }
}
