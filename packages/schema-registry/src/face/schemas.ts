import { type Answer, json, raw } from './answer.js';
import { flag } from './call.js';
import { RegistryError, schemaNotFound } from './registry-error.js';
import { type Call, type Route, route } from './routes.js';
import { paged } from './subjects.js';
import { shown } from './versions.js';

const id_max = 2 ** 31 - 1;

/** Throws 404 for what is no number, as with Confluent's. */
function idIn({ param }: Call): number {
  const text = param('id');
  if (!/^\d{1,10}$/.test(text) || Number(text) > id_max) throw new RegistryError(404, 'HTTP 404 Not Found');
  return Number(text);
}

/** Throws 40403. */
async function namedSchema(call: Call): Promise<string> {
  const id = idIn(call);
  const schema = await call.book.text(id);
  if (schema === undefined) throw schemaNotFound(id);
  return schema;
}

async function usesOf(call: Call) {
  await namedSchema(call);
  const subject = call.query.get('subject');
  const uses = await call.book.uses(idIn(call));
  return subject === null ? uses : uses.filter((use) => use.subject === subject);
}

async function listSchemas(call: Call): Promise<Answer> {
  const { book, query } = call;
  const prefix = query.get('subjectPrefix') ?? '';
  const all = (await book.registrations()).filter(({ subject }) => subject.startsWith(prefix));
  const wanted = flag(query, 'latestOnly')
    ? all.filter(({ subject }, i) => all[i + 1]?.subject !== subject)
    : all;
  return json(await Promise.all(paged(wanted, query).map((each) => shown(call, each))));
}

export const schemaRoutes: readonly Route[] = [
  route('schemas', { GET: listSchemas }),
  route('schemas/types', { GET: () => json(['AVRO']) }),
  route('schemas/ids/:id', { GET: async (call) => json({ schema: await namedSchema(call) }) }),
  route('schemas/ids/:id/schema', { GET: async (call) => raw(await namedSchema(call)) }),
  route('schemas/ids/:id/subjects', {
    GET: async (call) => json([...new Set((await usesOf(call)).map(({ subject }) => subject))]),
  }),
  route('schemas/ids/:id/versions', {
    GET: async (call) => json((await usesOf(call)).map(({ subject, version }) => ({ subject, version }))),
  }),
];
