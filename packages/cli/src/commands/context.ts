import { createLogger, type Logger, type LogLevel } from '@millrace/runtime';
import { type LoadedConfig, loadConfig } from '../config/load.js';
import { redactingLogger } from '../terminal/redacting-logger.js';
import type { Terminal } from '../terminal/terminal.js';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly config?: string;
  readonly json: boolean;
  /** False with --no-input: never ask. */
  readonly input: boolean;
  readonly color: boolean;
  readonly logLevel: LogLevel;
  /** Stop when standard input ends: a supervisor's children then never outlive it. */
  readonly stopWithStdin: boolean;
}

/** What a command works with. */
export interface CommandContext {
  readonly options: GlobalOptions;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Called with what must never be printed, as soon as it is known. */
  hide(redact: (text: string) => string): void;
}

/** A command ends with its exit code, or throws the fault that ended it. */
export type Command = (context: CommandContext) => Promise<number>;

/** Reads the configuration, says which file it was, and hides its secrets from all output. */
export function readConfig(context: CommandContext): LoadedConfig {
  const loaded = loadConfig(context.options.config, context);
  context.hide((text) => loaded.secrets.redact(text));
  if (!context.options.json)
    context.terminal.say(context.terminal.style.dim(`Configuration: ${loaded.file}`));
  return loaded;
}

/** Structured lines on stderr, without secrets. */
export function loggerFor(context: CommandContext, loaded: LoadedConfig, service: string): Logger {
  const logger = createLogger(context.options.logLevel, { pipeline: loaded.config.pipeline, service });
  return redactingLogger(logger, (text) => loaded.secrets.redact(text));
}
