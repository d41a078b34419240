import { Fault, type FaultCode, type FaultEntry, faultCatalogue } from '@millrace/runtime';
import { suggestion } from '../config/suggest.js';
import type { CommandContext } from './context.js';
import { policyWords } from './policy-words.js';

/** A fault, all of them, or a lag. */
export async function explain(
  context: CommandContext,
  what: string,
  edge: string | undefined,
): Promise<number> {
  if (what === 'lag') return (await import('./explain-lag.js')).explainLag(context, edge);
  if (what !== 'all') return explainFault(context, what);
  context.terminal.out((await import('./faults-page.js')).faultsPage().trimEnd());
  return 0;
}

/** `millrace explain MR-2006`: works offline. Throws MR-1001 for an unknown code. */
function explainFault(context: CommandContext, asked: string): number {
  const code = codeOf(asked);
  const entry: FaultEntry = faultCatalogue[code];
  if (context.options.json) {
    context.terminal.out(JSON.stringify({ code, ...entry }));
    return 0;
  }
  const { bold, dim } = context.terminal.outStyle;
  context.terminal.out(`${bold(`${code} ${entry.name}`)}`);
  context.terminal.out(`${dim('Why:')}       ${entry.cause}`);
  context.terminal.out(`${dim('Do:')}        ${entry.remedy}`);
  context.terminal.out(`${dim('Meanwhile:')} ${policyWords[entry.policy]}`);
  context.terminal.out(`${dim('Exit code:')} ${entry.exit}`);
  return 0;
}

function codeOf(asked: string): FaultCode {
  const wanted = asked.toUpperCase().replace(/^(MR)?-?(?=\d)/, 'MR-');
  const codes = Object.keys(faultCatalogue) as FaultCode[];
  const found =
    codes.find((code) => code === wanted) ??
    codes.find((code) => faultCatalogue[code].name.toUpperCase() === asked.toUpperCase());
  if (found) return found;
  const meant = suggestion(wanted, codes);
  throw new Fault('MR-1001', {
    detail: `there is no fault ${asked}${meant ? `; did you mean ${meant}?` : ''}`,
    remedy: 'Codes look like MR-2006; docs/faults.md lists them all.',
  });
}
