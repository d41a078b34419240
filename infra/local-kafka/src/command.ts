import { argv, exit, stderr, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { asFault } from '@millrace/runtime';
import { startKafka } from './cluster.js';

/** `pnpm --filter @millrace/local-kafka start [--nodes 3]`: a broker to try things on, until Ctrl-C. */
const usage = 'usage: start [--nodes 1|3] [--set name=value]…\n';
const exit_usage = 64;

interface Wanted {
  readonly nodes: 1 | 3;
  readonly settings: Readonly<Record<string, string>>;
}

function wanted(args: readonly string[]): Wanted | undefined {
  try {
    const { values } = parseArgs({
      args: args.filter((arg) => arg !== '--'), // pnpm may hand it on
      options: {
        nodes: { type: 'string', default: '1' },
        set: { type: 'string', multiple: true, default: [] },
      },
    });
    const settings = values.set.map((text): [string, string] => {
      const at = text.indexOf('=');
      return [text.slice(0, at), text.slice(at + 1)];
    });
    if (settings.some(([name]) => name === '')) return undefined;
    if (values.nodes !== '1' && values.nodes !== '3') return undefined;
    return { nodes: values.nodes === '1' ? 1 : 3, settings: Object.fromEntries(settings) };
  } catch {
    return undefined;
  }
}

async function run({ nodes, settings }: Wanted): Promise<number> {
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  // Nothing else keeps the process: the brokers are detached children.
  const alive = setInterval(() => undefined, 60_000);
  try {
    await using cluster = await startKafka({ nodes, settings });
    stdout.write(`${cluster.brokers.join(',')}\n`);
    stderr.write('Kafka runs until Ctrl-C; its data goes with it.\n');
    await stopped;
    return 0;
  } catch (error) {
    const fault = asFault(error);
    stderr.write(fault ? `${fault.message}\n${fault.remedy}\n` : `${String(error)}\n`);
    return fault?.entry.exit ?? 70;
  } finally {
    clearInterval(alive);
  }
}

const request = wanted(argv.slice(2));
if (request === undefined) {
  stderr.write(usage);
  exit(exit_usage);
}
exit(await run(request));
