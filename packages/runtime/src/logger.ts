import { type Logger as PinoLogger, pino } from 'pino';

export type LogFields = Readonly<Record<string, unknown>>;

/** What services log through: structured fields first, then one sentence. pino fulfils it. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const redactedPaths = ['password', 'url', 'secret', '*.password', '*.url', '*.secret'];

/** Structured JSON lines on stderr (data goes to stdout), secrets redacted. */
export function createLogger(level: LogLevel, bindings: LogFields = {}): Logger {
  const logger: PinoLogger = pino(
    {
      level,
      base: { ...bindings },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: redactedPaths,
      serializers: { err: pino.stdSerializers.err, lsn: String },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  return logger;
}

const nothing = (): void => {};

/** Logs nowhere: for tests and simulations. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
