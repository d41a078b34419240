import type { Fault } from '@millrace/runtime';
import { type RegistryEndpoint, resource, shownUrl } from './endpoint.js';
import { exchange } from './exchange.js';
import { objectOf, refusalOf, silenceOf, strangeAnswer } from './refusals.js';

/** What a look at an external registry found. */
export interface RegistryLook {
  /** Why it cannot be used now. */
  readonly fault?: Fault;
  /** Its compatibility level, where it tells one. */
  readonly compatibility?: string;
  /** `READWRITE`, `READONLY` …, where it tells one. */
  readonly mode?: string;
}

/** Asks an external registry, once, whether capture could use it. Never throws for what the registry does. */
export async function inspectRegistry(endpoint: RegistryEndpoint): Promise<RegistryLook> {
  const errand = { registry: shownUrl(endpoint), doing: 'looking at the schema registry' };
  try {
    const url = resource(endpoint, ['subjects']);
    // Lists can be long; whoever knows no `limit` gives all of it.
    url.search = 'limit=1&offset=0';
    const reply = await exchange(endpoint, { url, method: 'GET' });
    if (reply.status !== 200) return { fault: refusalOf(errand, reply) };
    if (!reply.body.trimStart().startsWith('['))
      return { fault: strangeAnswer(errand, reply, 'a list of subjects') };
    const compatibility = await setting(endpoint, 'config', 'compatibilityLevel');
    const mode = await setting(endpoint, 'mode', 'mode');
    return { ...(compatibility && { compatibility }), ...(mode && { mode }) };
  } catch (cause) {
    return { fault: silenceOf(errand, cause) };
  }
}

/** Registries that have no such setting, or show it to administrators only, are none the worse. */
async function setting(endpoint: RegistryEndpoint, path: string, field: string): Promise<string | undefined> {
  const reply = await exchange(endpoint, { url: resource(endpoint, [path]), method: 'GET' });
  const value = reply.status === 200 ? objectOf(reply)?.[field] : undefined;
  return typeof value === 'string' ? value : undefined;
}
