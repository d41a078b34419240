import { toFault } from '@millrace/runtime';
import { CommanderError } from 'commander';
import type { Command, GlobalOptions } from './commands/context.js';
import { buildProgram } from './program.js';
import { reportFault } from './terminal/report-fault.js';
import { processTerminal } from './terminal/terminal.js';

const usageExit = 64;
const signalExit = { SIGINT: 130, SIGTERM: 143 } as const;
/** A clean stop takes at most this long; then the process ends as it is: everything durable survives a kill anyway. */
const stop_ms_max = 5_000;
/** After a stop that left a connection behind, output is given this long to leave; then the process ends. */
const linger_ms_max = 500;

interface Chosen {
  readonly options: GlobalOptions;
  readonly command: Command;
}

/** Runs one command line and gives its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (typeof parsed === 'number') return parsed;
  const { options, command } = parsed;
  let redact = (text: string): string => text;
  const terminal = processTerminal(process.env, options.color, (text) => redact(text));
  const stop = listenForSignals(options.stopWithStdin);
  try {
    const code = await command({
      options,
      cwd: process.cwd(),
      env: process.env,
      terminal,
      signal: stop.signal,
      hide: (next) => {
        redact = next;
      },
    });
    return stop.exit() ?? code;
  } catch (error) {
    const exit = stop.exit();
    if (exit !== undefined) return exit;
    const fault = toFault(error);
    terminal.draw([]);
    if (options.json)
      terminal.out(
        JSON.stringify({ error: { code: fault.code, detail: fault.detail, remedy: fault.remedy } }),
      );
    reportFault(terminal, fault, process.env.MILLRACE_DEBUG === '1');
    return fault.entry.exit;
  } finally {
    stop.release();
  }
}

/** The chosen command, or the exit code when there is nothing to run (`--help`, a mistake). */
function parse(args: readonly string[]): Chosen | number {
  let chosen: Chosen | undefined;
  const program = buildProgram((options, command) => {
    chosen = { options, command };
  });
  try {
    if (args.length === 0) {
      program.outputHelp();
      return 0;
    }
    program.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : usageExit;
  }
  return chosen ?? usageExit;
}

interface SignalWatch {
  readonly signal: AbortSignal;
  /** The exit code of the signal that came, if one did. */
  exit(): number | undefined;
  release(): void;
}

/** The first SIGINT or SIGTERM asks for a clean stop; a second, or five seconds, ends at once. */
function listenForSignals(stopWithStdin: boolean): SignalWatch {
  const controller = new AbortController();
  let code: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const listeners = (['SIGINT', 'SIGTERM'] as const).map((name) => {
    const onSignal = (): void => {
      if (code !== undefined) process.exit(signalExit[name]);
      code = signalExit[name];
      timer = setTimeout(() => process.exit(code), stop_ms_max);
      timer.unref();
      controller.abort();
    };
    process.on(name, onSignal);
    return [name, onSignal] as const;
  });
  const onStdinEnd = (): void => {
    if (code === undefined) process.kill(process.pid, 'SIGTERM');
  };
  if (stopWithStdin) process.stdin.on('end', onStdinEnd).on('error', onStdinEnd).resume();
  return {
    signal: controller.signal,
    exit: () => code,
    release() {
      clearTimeout(timer);
      if (code !== undefined) setTimeout(() => process.exit(code), linger_ms_max).unref();
      if (stopWithStdin) process.stdin.off('end', onStdinEnd).destroy();
      for (const [name, onSignal] of listeners) process.off(name, onSignal);
    },
  };
}
