import { inspectRegistry } from '@millrace/schema-registry';
import type { LoadedConfig } from '../config/load.js';
import { listenAddress } from '../wiring/listen-address.js';
import { externalRegistry } from '../wiring/registry.js';
import type { Finding } from './finding.js';

/** What the external registry still needs, and whom our own lets in. */
export async function registryFindings({ config }: LoadedConfig): Promise<Finding[]> {
  const endpoint = externalRegistry(config);
  const found = endpoint ? await externalFindings(endpoint) : [];
  return [...found, ...exposure(config.registry)].map((finding) => ({ where: 'registry', ...finding }));
}

type Found = Omit<Finding, 'where'>;

async function externalFindings(endpoint: Parameters<typeof inspectRegistry>[0]): Promise<Found[]> {
  const { fault, compatibility, mode } = await inspectRegistry(endpoint);
  if (fault) return [{ severity: 'error', code: fault.code, what: fault.detail, fix: fault.remedy }];
  const findings: Found[] = [];
  if (mode?.startsWith('READONLY'))
    findings.push({
      severity: 'error',
      code: 'MR-5008',
      what: `the registry is in mode ${mode}: capture cannot register schemas`,
      fix: 'Set its mode to READWRITE.',
    });
  if (compatibility !== undefined && compatibility !== 'NONE')
    findings.push({
      severity: 'warning',
      code: 'MR-5007',
      what: `the registry’s compatibility level is ${compatibility}: a table that changes otherwise (a column’s type, a NOT NULL column without default) stops capture`,
      fix: 'Set the level of this pipeline’s subjects to NONE, or change tables only as the level allows.',
    });
  return findings;
}

const loopback = /^(127\.|::1$|localhost$)/;

function exposure(registry: LoadedConfig['config']['registry']): Found[] {
  if (!registry) return [];
  const { listen, password, tls, writable } = registry;
  if (loopback.test(listenAddress(listen).host) || (password !== undefined && tls)) return [];
  const may = writable
    ? 'read the names and types of all columns, and register schemas'
    : 'read the names and types of all columns';
  return [
    password === undefined
      ? {
          severity: 'warning',
          code: 'registry-open',
          what: `whoever reaches ${listen} may ${may}`,
          fix: 'Set `registry.username` and `registry.password`, or listen on 127.0.0.1.',
        }
      : {
          severity: 'warning',
          code: 'registry-plain',
          what: `passwords cross the network to ${listen} unencrypted`,
          fix: 'Set `registry.tls`, or listen on 127.0.0.1 behind a proxy that speaks TLS.',
        },
  ];
}
