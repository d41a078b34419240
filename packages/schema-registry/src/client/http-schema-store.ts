import { createHash } from 'node:crypto';
import type { SchemaStore } from '@millrace/codec';
import { Fault } from '@millrace/runtime';
import { sameOnTheWire } from '../schemas/avro.js';
import { type RegistryEndpoint, resource, shownUrl } from './endpoint.js';
import { exchange, type Reply } from './exchange.js';
import { type Patience, patiently } from './patience.js';
import { type Errand, objectOf, refusalOf, silenceOf, strangeAnswer } from './refusals.js';

export interface HttpSchemaStoreOptions extends RegistryEndpoint, Patience {}

/** Ids are positive 31-bit integers. */
const id_max = 0x7fff_ffff;
const remembered_max = 10_000;

/**
 * Schemas in an external registry that speaks Confluent's REST interface. Ids are that registry's. A call waits while the
 * registry is down, refuses us or cannot be trusted, telling `onWait`, and throws that fault when its patience is over:
 * MR-5005, MR-5006, MR-5009, MR-5010. At once: MR-5007 (incompatible), MR-5008 (rejected), MR-5011 (another schema).
 */
export function httpSchemaStore(options: HttpSchemaStoreOptions): SchemaStore {
  return new HttpSchemaStore(options);
}

class HttpSchemaStore implements SchemaStore {
  readonly #options: HttpSchemaStoreOptions;
  readonly #shown: string;
  /** By subject and schema. Ids stay as they are for as long as a registry lives. */
  readonly #ids = new Remembered<string, Promise<number>>();
  readonly #texts = new Remembered<number, string>();

  constructor(options: HttpSchemaStoreOptions) {
    this.#options = options;
    this.#shown = shownUrl(options);
  }

  async get(id: number): Promise<string | undefined> {
    const known = this.#texts.get(id);
    if (known !== undefined) return known;
    const errand = { registry: this.#shown, doing: `reading schema ${id}` };
    const reply = await this.#ask(errand, 'GET', ['schemas', 'ids', id]);
    if (!reply) return undefined;
    const text = objectOf(reply)?.schema;
    if (typeof text !== 'string') throw strangeAnswer(errand, reply, 'a schema');
    this.#texts.set(id, text);
    return text;
  }

  register(subject: string, schema: string): Promise<number> {
    const memo = memoOf(subject, schema);
    const known = this.#ids.get(memo);
    if (known) return known;
    const registering = this.#register(subject, schema);
    this.#ids.set(memo, registering);
    registering.catch(() => this.#ids.delete(memo));
    return registering;
  }

  async find(subject: string, schema: string): Promise<number | undefined> {
    const memo = memoOf(subject, schema);
    const known = this.#ids.get(memo);
    if (known) return known;
    const errand = { registry: this.#shown, doing: `looking up the schema of ${subject}`, subject };
    // Versions that an operator deleted softly still decode what was written with them.
    const reply = await this.#ask(errand, 'POST', ['subjects', subject], { schema }, 'deleted=true');
    if (!reply) return undefined;
    const id = idIn(errand, reply);
    this.#ids.set(memo, Promise.resolve(id));
    return id;
  }

  async #register(subject: string, schema: string): Promise<number> {
    const errand = { registry: this.#shown, doing: `registering the schema of ${subject}`, subject };
    const reply = await this.#ask(errand, 'POST', ['subjects', subject, 'versions'], { schema });
    if (!reply)
      throw strangeAnswer(errand, { status: 404, body: '' }, 'an id; is the path of the URL right?');
    const id = idIn(errand, reply);
    await this.#verify(errand, id, schema);
    return id;
  }

  /**
   * Both sides of the boundary: what consumers will read under this id must be what events are written with (promise 8). A
   * registry of several nodes shows a schema on all of them only after a while: until then no event may name it.
   */
  async #verify(errand: Errand, id: number, schema: string): Promise<void> {
    const text = await patiently(this.#options, async () => {
      const shown = await this.get(id);
      if (shown === undefined)
        throw new Fault('MR-5005', {
          detail: `${errand.doing}: ${this.#shown} does not yet show schema ${id}`,
          context: { registry: this.#shown, subject: errand.subject, id },
        });
      return shown;
    });
    if (isSame(text, schema)) return;
    throw new Fault('MR-5011', {
      detail: `${errand.doing}: ${this.#shown} gave id ${id}, under which it holds another schema`,
      context: { registry: this.#shown, subject: errand.subject, id },
    });
  }

  /** The answer, or undefined for 404 of a registry that knows the path and not the thing. */
  #ask(
    errand: Errand,
    method: 'GET' | 'POST',
    path: readonly (string | number)[],
    body?: unknown,
    query = '',
  ): Promise<Reply | undefined> {
    const url = resource(this.#options, path);
    url.search = query;
    const { signal } = this.#options;
    return patiently(this.#options, async () => {
      const reply = await exchange(this.#options, { url, method, body, signal }).catch((cause: unknown) => {
        throw silenceOf(errand, cause);
      });
      if (reply.status === 200 || reply.status === 201) return reply;
      if (reply.status === 404 && isKnownAbsence(reply)) return undefined;
      throw refusalOf(errand, reply);
    });
  }
}

const memoOf = (subject: string, schema: string): string =>
  `${createHash('sha256').update(schema, 'utf8').digest('base64')} ${subject}`;

/** Confluent's codes for "no such subject, version, schema": a bare 404 is a wrong address. */
function isKnownAbsence(reply: Reply): boolean {
  const code = objectOf(reply)?.error_code;
  return typeof code === 'number' && code >= 40401 && code <= 40403;
}

function idIn(errand: Errand, reply: Reply): number {
  const id = objectOf(reply)?.id;
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 1 || id > id_max)
    throw strangeAnswer(errand, reply, `an id between 1 and ${id_max}`);
  return id;
}

function isSame(one: string, other: string): boolean {
  try {
    return one === other || sameOnTheWire(one, other);
  } catch {
    return false;
  }
}

/** A map that lets go of the oldest. */
class Remembered<Key, Value> extends Map<Key, Value> {
  override set(key: Key, value: Value): this {
    super.set(key, value);
    for (const oldest of this.keys()) {
      if (this.size <= remembered_max) break;
      this.delete(oldest);
    }
    return this;
  }
}
