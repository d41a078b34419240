import { createHmac } from 'node:crypto';
import { Fault } from '@millrace/runtime';

/** Standard Webhooks, https://www.standardwebhooks.com: `whsec_` and base64 of 24 to 64 bytes. */
const prefix = 'whsec_';
const secret_bytes_min = 24;
const secret_bytes_max = 64;

/** Decodes a secret. Throws MR-1003 without repeating any of it. */
export function decodeSecret(secret: string): Buffer {
  const key = Buffer.from(secret.startsWith(prefix) ? secret.slice(prefix.length) : '', 'base64');
  if (key.length < secret_bytes_min || key.length > secret_bytes_max)
    throw new Fault('MR-1003', {
      detail: `a webhook's secret must be ${prefix} and the base64 of ${secret_bytes_min} to ${secret_bytes_max} bytes`,
      remedy: 'Make one with: node -e \'console.log("whsec_"+crypto.randomBytes(32).toString("base64"))\'',
    });
  return key;
}

/** `webhook-signature`: one `v1,…` per secret, so that secrets can be rotated. */
export function signatureOf(
  secrets: readonly Buffer[],
  id: string,
  timestamp_s: number,
  body: string,
): string {
  return secrets
    .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp_s}.${body}`).digest('base64')}`)
    .join(' ');
}
