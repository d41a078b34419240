import type { LogFields, Logger } from '@millrace/runtime';

/** A logger through which no secret passes: neither in the sentence, nor in a field, nor inside an error. */
export function redactingLogger(logger: Logger, redact: (text: string) => string): Logger {
  const clean = (fields: LogFields): LogFields =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, cleanValue(value, redact)]));
  return {
    debug: (fields, message) => logger.debug(clean(fields), redact(message)),
    info: (fields, message) => logger.info(clean(fields), redact(message)),
    warn: (fields, message) => logger.warn(clean(fields), redact(message)),
    error: (fields, message) => logger.error(clean(fields), redact(message)),
    child: (fields) => redactingLogger(logger.child(clean(fields)), redact),
  };
}

function cleanValue(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error) return cleanError(value, redact, 0);
  return value;
}

const causes_max = 5;

function cleanError(error: Error, redact: (text: string) => string, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    message: redact(error.message),
    stack: redact(error.stack ?? ''),
    ...(error.cause instanceof Error &&
      depth < causes_max && { cause: cleanError(error.cause, redact, depth + 1) }),
  };
}
