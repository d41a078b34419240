import { Fault } from '@millrace/runtime';
import type { Endpoint } from './connection/broker-link.js';

const port_max = 65_535;

/** Reads `host:port`, `[v6]:port`. MR-1003 for anything else. */
export function parseEndpoint(text: string): Endpoint {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/@]+)):(\d{1,5})$/.exec(text.trim());
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (!host || !(port > 0 && port <= port_max))
    throw new Fault('MR-1003', {
      detail: `${JSON.stringify(text)} is no broker address: host:port is expected`,
    });
  return { host, port };
}
