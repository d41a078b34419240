import { Fault } from '@millrace/runtime';
import { Trouble } from './trouble.js';

const certificateErrors =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_EXCEEDED|EPROTO$)/;

/**
 * What it means that a connection could not be opened. Refused credentials and certificates are for an operator; anything else may pass
 * by itself. Messages name the broker, never credentials.
 */
export function connectFailure(error: unknown, broker: string): Fault | Trouble {
  if (error instanceof Fault) return error;
  const cause = rootOf(error);
  const { name, code, type } = cause as { name?: string; code?: unknown; type?: unknown };
  const message = cause instanceof Error ? cause.message : String(cause);
  if (isAuthentication(name, type))
    return new Fault('MR-3016', { detail: `broker ${broker} refused the credentials: ${message}`, cause });
  if (typeof code === 'string' && certificateErrors.test(code))
    return new Fault('MR-3018', { detail: `TLS with broker ${broker}: ${message} (${code})`, cause });
  return new Trouble(`broker ${broker}: ${message}`, { cause });
}

const isAuthentication = (name: string | undefined, type: unknown): boolean =>
  name === 'KafkaJSSASLAuthenticationError' ||
  type === 'SASL_AUTHENTICATION_FAILED' ||
  type === 'UNSUPPORTED_SASL_MECHANISM';

/** Our queue wraps what kafkajs rejects with. */
function rootOf(error: unknown): unknown {
  return error instanceof Trouble && error.cause !== undefined ? error.cause : error;
}
