import type { Fault } from '@millrace/runtime';
import type { Terminal } from './terminal.js';

/** An error for people: code and what happened, why, what to do. */
export function reportFault(terminal: Terminal, fault: Fault, debug: boolean): void {
  const { style } = terminal;
  const { name, cause } = fault.entry;
  terminal.say(`${style.red('✗')} ${style.bold(`${fault.code} ${name}`)}: ${fault.detail}`);
  terminal.say(`  ${style.dim('Why:')} ${cause}`);
  terminal.say(`  ${style.dim('Do:')}  ${fault.remedy}`);
  if (debug && fault.stack) terminal.say(style.dim(stackOf(fault)));
  else if (fault.code === 'MR-9001')
    terminal.say(`  ${style.dim('Run again with MILLRACE_DEBUG=1 for the stack.')}`);
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
