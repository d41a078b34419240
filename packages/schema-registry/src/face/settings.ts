import { type Answer, json } from './answer.js';
import { flag } from './call.js';
import { notPermitted, RegistryError, subjectNotFound, versionNotFound } from './registry-error.js';
import { type Call, type Route, route } from './routes.js';
import { schemaIn } from './schema-body.js';
import { namedVersion, versionIn } from './versions.js';

/**
 * Compatibility is NONE and cannot be anything else: the leader's tables change without asking a registry, and a capture that
 * had to ask its own would stop for it. A level that is shown but not kept would be a lie.
 */
const level = 'NONE';
const onlyLevel = `Compatibility is ${level} here and cannot be changed: the leader's tables change without asking.`;
const levels = [
  ...['BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE'],
  ...['FULL', 'FULL_TRANSITIVE', level],
];

function ofSubject({ param, query }: Call): Answer {
  if (flag(query, 'defaultToGlobal')) return json({ compatibilityLevel: level });
  throw new RegistryError(
    40408,
    `Subject '${param('subject')}' does not have subject-level compatibility configured`,
  );
}

/** Clients set the level they believe in before they register: NONE is what is so already. */
async function setLevel({ body, writable }: Call): Promise<Answer> {
  const { compatibility } = await body();
  if (typeof compatibility !== 'string' || !levels.includes(compatibility.toUpperCase()))
    throw new RegistryError(
      42203,
      `Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive`,
    );
  if (!writable || compatibility.toUpperCase() !== level) throw notPermitted(onlyLevel);
  return json({ compatibility: level });
}

const refuseChange = (): never => {
  throw notPermitted(onlyLevel);
};

/** Under NONE every schema is compatible with every version; what is asked must exist all the same. Throws 42201, 42202, 404xx. */
async function isCompatible(call: Call): Promise<Answer> {
  schemaIn(await call.body());
  const subject = call.param('subject');
  const wanted = versionIn(call.param('version'));
  const known = (await call.book.of(subject)).length > 0;
  if (!known && wanted !== 'latest') throw versionNotFound(wanted);
  if (!known) throw subjectNotFound(subject);
  await namedVersion(call);
  return verdict(call);
}

async function isCompatibleWithAll(call: Call): Promise<Answer> {
  schemaIn(await call.body());
  return verdict(call);
}

const verdict = ({ query }: Call): Answer =>
  json({
    is_compatible: true,
    ...(flag(query, 'verbose') && { messages: [`The level is ${level}: nothing was compared.`] }),
  });

const modeOf = ({ writable }: Call): string => (writable ? 'READWRITE' : 'READONLY');

function modeOfSubject(call: Call): Answer {
  if (flag(call.query, 'defaultToGlobal')) return json({ mode: modeOf(call) });
  throw new RegistryError(
    40409,
    `Subject '${call.param('subject')}' does not have subject-level mode configured`,
  );
}

const refuseMode = (): never => {
  throw notPermitted('The mode follows from `registry.writable` in the configuration.');
};

export const settingRoutes: readonly Route[] = [
  route('config', { GET: () => json({ compatibilityLevel: level }), PUT: setLevel, DELETE: refuseChange }),
  route('config/:subject', { GET: ofSubject, PUT: setLevel, DELETE: refuseChange }),
  route('mode', { GET: (call) => json({ mode: modeOf(call) }), PUT: refuseMode }),
  route('mode/:subject', { GET: modeOfSubject, PUT: refuseMode, DELETE: refuseMode }),
  route('compatibility/subjects/:subject/versions/:version', { POST: isCompatible }),
  route('compatibility/subjects/:subject/versions', { POST: isCompatibleWithAll }),
];
