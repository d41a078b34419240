import { type Answer, json, raw } from './answer.js';
import { count, flag } from './call.js';
import { notPermitted, RegistryError, schemaNotFound } from './registry-error.js';
import { type Call, type Route, route } from './routes.js';
import { schemaIn } from './schema-body.js';
import { namedVersion, shown, subjectVersions } from './versions.js';

/** A page of a list may be asked for, as with Confluent's; -1 is all. */
const unlimited = -1;

export function paged<Item>(items: readonly Item[], query: URLSearchParams): readonly Item[] {
  const offset = Math.max(0, count(query, 'offset', 0));
  const limit = count(query, 'limit', unlimited);
  return items.slice(offset, limit < 0 ? undefined : offset + limit);
}

async function listSubjects({ book, query }: Call): Promise<Answer> {
  // Nothing is ever deleted here.
  if (flag(query, 'deletedOnly')) return json([]);
  const prefix = query.get('subjectPrefix') ?? '';
  const subjects = new Set((await book.registrations()).map(({ subject }) => subject));
  return json(
    paged(
      [...subjects].filter((subject) => subject.startsWith(prefix)),
      query,
    ),
  );
}

async function listVersions(call: Call): Promise<Answer> {
  const versions = await subjectVersions(call);
  return json(
    paged(
      versions.map(({ version }) => version),
      call.query,
    ),
  );
}

async function lookUp(call: Call): Promise<Answer> {
  const schema = schemaIn(await call.body());
  await subjectVersions(call);
  const found = await call.book.find(call.param('subject'), schema);
  if (!found) throw schemaNotFound();
  return json(found);
}

async function register(call: Call): Promise<Answer> {
  const { book, param, writable } = call;
  const subject = param('subject');
  const schema = schemaIn(await call.body());
  // As Confluent's in read-only mode: what is there may be registered again, and changes nothing.
  const found = await book.find(subject, schema);
  if (found) return json({ id: found.id });
  if (!writable) throw notPermitted(`Subject ${subject} is in read-only mode`);
  if (!isSubject(subject))
    throw new RegistryError(42208, `The specified subject '${subject}' is not a valid.`);
  return json({ id: await book.register(subject, schema) });
}

/** Control characters are refused by Confluent's, too; longer names than topics can have are nobody's. */
const isSubject = (subject: string): boolean =>
  subject.length <= 512 && !/\p{Cc}/u.test(subject) && !subject.startsWith(':.:') && subject !== '__GLOBAL';

const neverDeleted = (): never => {
  throw notPermitted('Schemas are never deleted here: events in the log name them.');
};

export const subjectRoutes: readonly Route[] = [
  route('subjects', { GET: listSubjects }),
  route('subjects/:subject', { POST: lookUp, DELETE: neverDeleted }),
  route('subjects/:subject/versions', { GET: listVersions, POST: register }),
  route('subjects/:subject/versions/:version', {
    GET: async (call) => json(await shown(call, await namedVersion(call))),
    DELETE: neverDeleted,
  }),
  route('subjects/:subject/versions/:version/schema', {
    GET: async (call) => raw((await shown(call, await namedVersion(call))).schema),
  }),
  route('subjects/:subject/versions/:version/referencedby', {
    GET: async (call) => {
      await namedVersion(call);
      return json([]);
    },
  }),
];
