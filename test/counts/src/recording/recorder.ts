import type { Lsn, Relation } from '@millrace/model';
import {
  createLibraryWalSource,
  PgSession,
  readPublishedTables,
  readServer,
  type WalHandler,
} from '@millrace/postgres';
import { silentLogger } from '@millrace/runtime';
import type { TestDatabase } from '@millrace/test-support';
import type { Recording, RecordingName } from './recording.js';
import { leaderSessions } from './sessions.js';
import { isBegin, place } from './stream-place.js';

const publication = 'recorded';
/** Ids of recorded tables start where PostgreSQL's own objects end. */
const firstTable = 16_384;
const endMark = 'end of recording';
/** I, U and D: the table's id stands behind the letter; in R too. */
const naming = new Set(['I', 'U', 'D', 'R'].map((letter) => letter.charCodeAt(0)));
const rowEvents = new Set(['I', 'U', 'D'].map((letter) => letter.charCodeAt(0)));
const message = 'M'.charCodeAt(0);

/** Plays a session on an empty database and records what its walsender says about it. */
export async function record(database: TestDatabase, name: RecordingName): Promise<Recording> {
  const session = leaderSessions[name];
  const client = await database.connect();
  const slot = `recorded_${database.name}`;
  try {
    await client.query("SET TimeZone = 'UTC'");
    await client.query(session.tables);
    await client.query(`CREATE PUBLICATION ${publication} FOR ALL TABLES`);
    await client.query('SELECT pg_create_logical_replication_slot($1, $2)', [slot, 'pgoutput']);
    await session.write(client);
    await client.query('SELECT pg_logical_emit_message(false, $1, $2)', [endMark, '']);
  } finally {
    await client.end();
  }
  const payloads = await receive(database.url, slot);
  const relations = renumber(await publishedRelations(database.url), payloads);
  place(payloads);
  const events = payloads.filter((payload) => rowEvents.has(payload[0] as number)).length;
  return { name, events, transactions: payloads.filter(isBegin).length, relations, payloads };
}

async function publishedRelations(url: string): Promise<Relation[]> {
  const session = await PgSession.open(url, { role: 'leader' });
  try {
    const { version } = await readServer(session);
    return (await readPublishedTables(session, publication, version)).map(({ relation }) => relation);
  } finally {
    await session.close();
  }
}

/** Everything from the slot up to the end mark. */
async function receive(url: string, slot: string): Promise<Uint8Array[]> {
  const source = createLibraryWalSource({
    url: url,
    applicationName: 'recorder',
    logger: silentLogger,
  });
  const stream = await source.open({
    slot,
    options: { proto_version: '1', publication_names: publication, messages: 'true' },
  });
  const payloads: Uint8Array[] = [];
  const stop = new AbortController();
  const handler: WalHandler = {
    payload(bytes, start, end) {
      if (bytes[start] === message) stop.abort();
      else payloads.push(Uint8Array.prototype.slice.call(bytes, start, end));
      return undefined;
    },
    keepalive: (_at: Lsn) => {},
    room: () => undefined,
  };
  try {
    await stream.run(handler, stop.signal);
  } finally {
    await stream.close();
  }
  return payloads;
}

/** Gives the tables ids that do not depend on the server, in the stream too (in place). */
function renumber(relations: readonly Relation[], payloads: readonly Uint8Array[]): Relation[] {
  const ids = new Map(relations.map(({ id }, i) => [id, firstTable + i]));
  for (const payload of payloads) {
    if (!naming.has(payload[0] as number)) continue;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const id = ids.get(view.getUint32(1));
    if (id === undefined) throw new Error('the stream names a table that is not published');
    view.setUint32(1, id);
  }
  return relations.map((relation) => ({ ...relation, id: ids.get(relation.id) as number }));
}
