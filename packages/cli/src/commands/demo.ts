import { Fault } from '@millrace/runtime';
import { runDemo } from '../demo/demo.js';
import type { CommandContext } from './context.js';

const rows_max = 5_000_000;
const seconds_max = 3_600;

/** Shows the product on servers of its own. 0 only when both copies equal the leader, row by row; otherwise 1. */
export async function demo(
  context: CommandContext,
  flags: { readonly rows: string; readonly seconds: string; readonly kafka: boolean },
): Promise<number> {
  const rows = wholeNumber('--rows', flags.rows, 100, rows_max);
  const seconds = wholeNumber('--seconds', flags.seconds, 4, seconds_max);
  const { terminal, signal } = context;
  terminal.say(
    terminal.style.bold('Millrace: one PostgreSQL leader, two followers, one log, everything crash-proof.'),
  );
  const { equal } = await runDemo({ rows, seconds, kafka: flags.kafka, terminal, signal });
  terminal.say('');
  if (!equal) {
    terminal.say(
      terminal.style.red(
        'The copies differ from the leader. That is a bug: please report it with the lines above.',
      ),
    );
    return 1;
  }
  terminal.say(terminal.style.bold('Both copies equal the leader.'));
  terminal.say('Your own database next:');
  terminal.say(
    '  millrace init --leader postgresql://user@host/db --duckdb ./lake.duckdb   writes millrace.yaml',
  );
  terminal.say(
    '  millrace check                                                            tells what the leader needs',
  );
  terminal.say(
    '  millrace up                                                               copies, and watches the lag',
  );
  terminal.say('In this checkout, `millrace` is `node packages/cli/dist/bin.js`. README.md tells the rest.');
  return 0;
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Fault('MR-1001', {
    detail: `${flag} ${text}: expected a whole number from ${min} to ${max}`,
    remedy: 'millrace demo --help',
  });
}
