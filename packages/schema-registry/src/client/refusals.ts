import { Fault, type FaultCode } from '@millrace/runtime';
import type { Reply } from './exchange.js';

/** What was asked, for people. */
export interface Errand {
  /** The registry's address without credentials. */
  readonly registry: string;
  /** `registering the schema of shop.public.items-value`. */
  readonly doing: string;
  readonly subject?: string;
}

/** The JSON object of an answer; undefined when it is none. */
export function objectOf({ body }: Reply): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Registries quote whole schemas. */
const quoted_chars_max = 400;

/** The registry's own words, on one line. */
function saidBy(reply: Reply): string {
  const said = objectOf(reply)?.message;
  const text = (typeof said === 'string' ? said : '').replace(/\s+/g, ' ').trim();
  const code = objectOf(reply)?.error_code;
  const shown = text.length > quoted_chars_max ? `${text.slice(0, quoted_chars_max)}…` : text;
  const number = typeof code === 'number' && code !== reply.status ? ` (${code})` : '';
  return `${reply.status}${number}${shown === '' ? '' : `: ${shown}`}`;
}

/** What an answer means that is no success and not the 404 that was to be expected. */
export function refusalOf(errand: Errand, reply: Reply): Fault {
  const { status } = reply;
  const { subject, registry } = errand;
  if (status === 401 || status === 403) return fault('MR-5006', errand, reply);
  if (status === 409 && subject !== undefined)
    return fault(
      'MR-5007',
      errand,
      reply,
      `Let the subject change as its table does: \`curl -X PUT -H 'content-type: application/json' -d '{"compatibility":"NONE"}' ${registry}/config/${encodeURIComponent(subject)}\`; then \`millrace restart capture\`.`,
    );
  if (status === 422) return fault('MR-5008', errand, reply);
  if (status === 408 || status === 429 || status >= 500) return fault('MR-5005', errand, reply);
  return fault('MR-5009', errand, reply);
}

/** An answer with a good status that says nothing of what it must say. */
export const strangeAnswer = (errand: Errand, reply: Reply, what: string): Fault =>
  new Fault('MR-5009', {
    detail: `${errand.doing}: ${errand.registry} answered ${reply.status} without ${what}`,
    context: contextOf(errand),
  });

/** What it means that no answer came. */
export function silenceOf(errand: Errand, cause: unknown): Fault {
  const { code, message } = cause as NodeJS.ErrnoException;
  const untrusted = typeof code === 'string' && certificateErrors.test(code);
  return new Fault(untrusted ? 'MR-5010' : 'MR-5005', {
    detail: `${errand.doing}: ${errand.registry} ${untrusted ? 'is not trusted' : 'does not answer'}: ${code === undefined || message.includes(code) ? message : `${code} ${message}`}`,
    context: contextOf(errand),
    cause,
  });
}

/** Node's names of what is wrong with a certificate, the registry's or ours, and of a port that speaks no TLS. */
const certificateErrors =
  /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|ALTNAME|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|^EPROTO$|ERR_(SSL|TLS|OSSL)/;

const fault = (code: FaultCode, errand: Errand, reply: Reply, remedy?: string): Fault =>
  new Fault(code, {
    detail: `${errand.doing}: ${errand.registry} answered ${saidBy(reply)}`,
    context: contextOf(errand),
    ...(remedy !== undefined && { remedy }),
  });

const contextOf = ({ registry, subject }: Errand) => ({ registry, subject });
