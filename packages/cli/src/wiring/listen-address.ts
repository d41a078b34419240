import type { ListenAddress } from '@millrace/lag-monitor';

/** `127.0.0.1:9187` or `[::1]:9187`, as the schema has checked it. */
export function listenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}
