import { createHash } from 'node:crypto';
import type { Registration, SchemaRegistry } from '@millrace/codec';
import { comparableForm } from './same-schema.js';

/** Schemas never change under their id: those asked for last are kept, up to this many characters. */
const cached_chars_max = 16 * 1024 * 1024;

/** What the REST face asks of the registry, on top of the port. */
export class SchemaBook {
  readonly #registry: SchemaRegistry;
  readonly #texts = new Map<number, string>();
  #cached_chars = 0;
  /** By id: making the comparable form of a large schema is work that no client may ask for again and again. */
  readonly #forms = new Map<number, string>();

  constructor(registry: SchemaRegistry) {
    this.#registry = registry;
  }

  registrations(): Promise<readonly Registration[]> {
    return this.#registry.registrations();
  }

  /** Versions of one subject, oldest first; empty for an unknown one. */
  async of(subject: string): Promise<readonly Registration[]> {
    return (await this.registrations()).filter((each) => each.subject === subject);
  }

  /** Where a schema is registered. */
  async uses(id: number): Promise<readonly Registration[]> {
    return (await this.registrations()).filter((each) => each.id === id);
  }

  async text(id: number): Promise<string | undefined> {
    const cached = this.#texts.get(id);
    if (cached !== undefined) return cached;
    const text = await this.#registry.get(id);
    if (text !== undefined) this.#keep(id, text);
    return text;
  }

  /** The version of a subject that holds this schema, in whatever order its attributes are written. */
  async find(subject: string, schema: string): Promise<(Registration & { schema: string }) | undefined> {
    const wanted = digestOf(schema);
    for (const registration of (await this.of(subject)).toReversed()) {
      if ((await this.#form(registration.id)) !== wanted) continue;
      const text = await this.text(registration.id);
      if (text !== undefined) return { ...registration, schema: text };
    }
    return undefined;
  }

  async #form(id: number): Promise<string | undefined> {
    const known = this.#forms.get(id);
    if (known !== undefined) return known;
    const text = await this.text(id);
    if (text === undefined) return undefined;
    const form = digestOf(text);
    this.#forms.set(id, form);
    return form;
  }

  register(subject: string, schema: string): Promise<number> {
    return this.#registry.register(subject, schema);
  }

  #keep(id: number, text: string): void {
    this.#texts.set(id, text);
    this.#cached_chars += text.length;
    for (const [oldest, { length }] of this.#texts) {
      if (this.#cached_chars <= cached_chars_max) return;
      this.#texts.delete(oldest);
      this.#cached_chars -= length;
    }
  }
}

const digestOf = (schema: string): string =>
  createHash('sha256').update(comparableForm(schema), 'utf8').digest('base64');
