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
  if (value instanceof Error)
    return { type: value.name, message: redact(value.message), stack: redact(value.stack ?? '') };
  return value;
}
