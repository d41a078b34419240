import type { LogLevel } from '@millrace/runtime';
import { Option, Command as Program } from 'commander';
import type { Command, CommandContext, GlobalOptions } from './commands/context.js';
import { explain } from './commands/explain.js';
import { type InitFlags, init } from './commands/init.js';
import { configJsonSchema } from './config/schema.js';
import { version } from './version.js';

/** Takes the command that was chosen, and its options wherever they stood. */
type Run = (chosen: Program, start: (context: CommandContext) => Promise<number> | number) => void;

/** The command line: parsing only. What a command does is loaded when it is chosen, so that `--help` is quick. */
export function buildProgram(choose: (options: GlobalOptions, command: Command) => void): Program {
  const program = new Program('millrace')
    .description('Copies a PostgreSQL leader into followers, exactly once, and pages on lag in bytes.')
    .version(version)
    .option('-c, --config <file>', 'configuration file (default: ./millrace.yaml, then the XDG folder)')
    .option('--json', 'machine-readable data on stdout', false)
    .option('--no-input', 'never ask questions')
    .option('--no-color', 'no colours')
    .addOption(
      new Option('--log-level <level>', 'structured log on stderr')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .addOption(
      new Option('--stop-with-stdin', 'stop when standard input ends, as when the parent dies')
        .default(false)
        .hideHelp(),
    )
    .showSuggestionAfterError()
    .exitOverride();
  const run: Run = (chosen, start) => choose(optionsOf(chosen), async (context) => start(context));
  // In this order `--help` lists them.
  addPreparations(program, run);
  addServices(program, run);
  addOperations(program, run);
  addReference(program, run);
  addDemo(program, run);
  return program;
}

/** Options stand before or after the command. */
function optionsOf(chosen: Program): GlobalOptions {
  const { config, ...rest } = chosen.optsWithGlobals<GlobalOptions & { logLevel: LogLevel }>();
  return { ...rest, ...(config === undefined ? {} : { config }) };
}

function addPreparations(program: Program, run: Run): void {
  program
    .command('init')
    .description('write a commented millrace.yaml; never overwrites')
    .option('--pipeline <name>', 'name of the pipeline')
    .option('--leader <url>', 'URL of the leader')
    .option('--replica <url>', 'URL of a PostgreSQL follower')
    .option('--duckdb <file>', 'file of a DuckDB follower')
    .option('--kafka <brokers>', 'host:port, comma-separated: the log on Kafka instead of this machine')
    .action((flags: InitFlags & Partial<GlobalOptions>, chosen: Program) => {
      const { pipeline, leader, replica, duckdb, kafka } = flags;
      const given = Object.entries({ pipeline, leader, replica, duckdb, kafka }).filter(
        ([, value]) => value !== undefined,
      );
      run(chosen, (context) => init(context, Object.fromEntries(given)));
    });
  program
    .command('check')
    .description('tell what the leader and the followers still need; exit 1 on errors')
    .option('--strict', 'exit 1 on warnings too', false)
    .action((flags: { strict: boolean }, chosen: Program) =>
      run(chosen, async (context) => (await import('./commands/check.js')).check(context, flags.strict)),
    );
}

/** What runs until it is stopped. */
function addServices(program: Program, run: Run): void {
  const add = (name: string, description: string, load: () => Promise<Command>): Program =>
    program
      .command(name)
      .description(description)
      .action((_, chosen: Program) => run(chosen, async (context) => (await load())(context)));
  add('up', 'run everything in one process', async () => (await import('./commands/up.js')).up);
  add(
    'capture',
    'run capture alone: leader to log',
    async () => (await import('./commands/capture.js')).capture,
  );
  program
    .command('apply')
    .argument('<follower>', 'name of the follower')
    .description('run one applier alone: log to follower')
    .action((follower: string, _, chosen: Program) =>
      run(chosen, async (context) => (await import('./commands/apply.js')).apply(context, follower)),
    );
  add('monitor', 'run the lag monitor alone', async () => (await import('./commands/monitor.js')).monitor);
  add(
    'registry',
    'serve the schemas of the log to outside consumers, alone',
    async () => (await import('./commands/registry.js')).registry,
  );
}

/** What an operator asks of services that run. */
function addOperations(program: Program, run: Run): void {
  program
    .command('status')
    .description('positions, lag in bytes, and what waits')
    .action((_, chosen: Program) =>
      run(chosen, async (context) => (await import('./commands/status.js')).status(context)),
    );
  program
    .command('restart')
    .argument('<service>', '`capture`, or the name of a follower')
    .description('start a service that has stopped again, while the others of its process go on')
    .action((service: string, _, chosen: Program) =>
      run(chosen, async (context) => (await import('./commands/restart.js')).restart(context, service)),
    );
  program
    .command('resync')
    .argument('[follower]', 'name of the follower')
    .option('--all', 'all followers, and capture where commits are missing', false)
    .option('--table <name>', 'schema.table whose shape capture could not tell (MR-2010)')
    .description('read the tables of a follower anew')
    .action((follower: string | undefined, flags: { all: boolean; table?: string }, chosen: Program) =>
      run(chosen, async (context) =>
        (await import('./commands/resync.js')).resync(context, {
          follower,
          all: flags.all,
          table: flags.table,
        }),
      ),
    );
  program
    .command('forget')
    .argument('<follower>', 'name of a follower that is no longer configured')
    .description('stop keeping the log for a follower that was removed')
    .action((follower: string, _, chosen: Program) =>
      run(chosen, async (context) => (await import('./commands/forget.js')).forget(context, follower)),
    );
}

/** What needs no server. */
function addReference(program: Program, run: Run): void {
  program
    .command('explain')
    .argument('<what>', 'a fault’s code such as MR-2006, `lag`, or `all` for the page of all faults')
    .argument('[edge]', 'with `lag`: pipeline/follower')
    .description('explain a fault, offline, or where the bytes of a lag wait')
    .action((what: string, edge: string | undefined, _, chosen: Program) =>
      run(chosen, (context) => explain(context, what, edge)),
    );
  program
    .command('schema')
    .description('print the JSON Schema of millrace.yaml')
    .action((_, chosen: Program) =>
      run(chosen, (context) => {
        context.terminal.out(JSON.stringify(configJsonSchema(), undefined, 2));
        return 0;
      }),
    );
}

function addDemo(program: Program, run: Run): void {
  program
    .command('demo')
    .description('show it all on real servers of its own, and compare the copies row by row')
    .option('--rows <count>', 'rows to begin with', '60000')
    .option('--seconds <count>', 'how long the load runs', '20')
    .option('--kafka', 'through a Kafka broker instead of the embedded log (needs Java 17 or later)', false)
    .action((flags: { rows: string; seconds: string; kafka: boolean }, chosen: Program) =>
      run(chosen, async (context) => (await import('./commands/demo.js')).demo(context, flags)),
    );
}
