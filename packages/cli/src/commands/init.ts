import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Fault } from '@millrace/runtime';
import { configName, parseConfig } from '../config/load.js';
import { schemaUrl } from '../config/schema.js';
import { Secrets } from '../config/secrets.js';
import type { CommandContext } from './context.js';

export interface InitFlags {
  readonly pipeline?: string;
  readonly leader?: string;
  readonly replica?: string;
  readonly duckdb?: string;
  /** host:port, comma-separated. */
  readonly kafka?: string;
}

interface Answers {
  readonly pipeline: string;
  readonly leader: string;
  readonly replica: string;
  readonly duckdb: string;
  /** Empty: the embedded log. */
  readonly kafka: string;
}

const defaults: Answers = {
  pipeline: 'shop',
  leader: ['$', '{env:LEADER_URL}'].join(''),
  replica: '',
  duckdb: './lake.duckdb',
  kafka: '',
};

/** Writes a commented millrace.yaml from flags, answers and defaults. Never overwrites. */
export async function init(context: CommandContext, flags: InitFlags): Promise<number> {
  const file = resolve(context.cwd, context.options.config ?? configName);
  if (existsSync(file))
    throw new Fault('MR-1001', {
      detail: `${file} exists already, and init never overwrites`,
      remedy: 'Edit it, or name another file with --config.',
    });
  const given = Object.values(flags).some((value) => value !== undefined);
  const ask = context.options.input && !given && process.stdin.isTTY === true && context.terminal.live;
  const answers = ask ? await askAll(context) : { ...defaults, ...flags };
  const text = configText(answers);
  check(text, file);
  write(file, text);
  context.terminal.say(`Wrote ${file}.`);
  context.terminal.say('Next: `millrace check` tells what the leader still needs, then `millrace up`.');
  return 0;
}

function write(file: string, text: string): void {
  try {
    // wx: a file that appeared meanwhile is kept.
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Fault('MR-1001', {
      detail: `${file} cannot be written (${code ?? 'unknown error'})`,
      remedy: 'Name a file in a folder that exists and that this user may write, with --config.',
      cause,
    });
  }
}

async function askAll(context: CommandContext): Promise<Answers> {
  const readline = createInterface({ input: process.stdin, output: process.stderr });
  const ask = async (question: string, otherwise: string): Promise<string> => {
    const answer = await readline.question(`${question} [${otherwise || 'none'}]: `, {
      signal: context.signal,
    });
    return answer.trim() || otherwise;
  };
  try {
    return {
      pipeline: await ask('Name of the pipeline', defaults.pipeline),
      leader: await ask('URL of the leader', defaults.leader),
      replica: await ask('URL of a PostgreSQL follower', defaults.replica),
      duckdb: await ask('File of a DuckDB follower', defaults.duckdb),
      kafka: await ask('Kafka brokers (none: a log on this machine)', defaults.kafka),
    };
  } finally {
    readline.close();
  }
}

/** A value that does not fit is told now, with the same words as later. References are not resolved yet. */
function check(text: string, file: string): void {
  const stand = {
    LEADER_URL: 'postgresql://localhost/leader',
    REPLICA_URL: 'postgresql://localhost/replica',
  };
  const anything = new Proxy<Record<string, string>>(stand, {
    get: (known, name) => known[String(name)] ?? 'postgresql://localhost/any',
  });
  parseConfig(text, file, anything, new Secrets());
}

/** A scalar that YAML reads back as the same text, whatever is in it. */
const quoted = (text: string): string => JSON.stringify(text);

const embeddedText = `log:
  embedded:
    path: ./.millrace/log # commits wait here for followers that are behind
    retention: { bytes: 10GiB, age: 7d, followers: hold } # hold: never drop what a follower still needs
`;

const kafkaText = (brokers: string): string => `log:
  kafka:
    brokers: [${brokers
      .split(',')
      .map((broker) => quoted(broker.trim()))
      .join(', ')}]
    # tls: true # or { ca: "\${file:ca.pem}", cert: …, key: … }
    # sasl: { mechanism: scram-sha-512, username: millrace, password: "\${env:KAFKA_PASSWORD}" }
    topics: { partitions: 3, retention: 7d } # of new topics; those that exist are never changed
`;

export function configText(answers: Answers): string {
  const followers = [
    answers.replica &&
      `  replica:
    postgres: { url: ${quoted(answers.replica)} }
    on_restore: stop # or replay: resume by itself after the follower was restored from a backup`,
    answers.duckdb &&
      `  lake:
    duckdb: { path: ${quoted(answers.duckdb)}, memory_limit: 128MB }`,
  ].filter((part) => part);
  return `# yaml-language-server: $schema=${schemaUrl}
# Secrets: write \${env:NAME} or \${file:path} instead of the value.
pipeline: ${quoted(answers.pipeline)} # prefix of topics and of the replication slot

leader: # the PostgreSQL database to copy from; \`millrace check\` tells what it needs
  url: ${quoted(answers.leader)}
  tables: ["public.*"] # schema.table or schema.*

followers: # the stores that become copies of it
${followers.join('\n')}

${answers.kafka ? kafkaText(answers.kafka) : embeddedText}
# registry: {} # serve the schemas of the events to your own consumers, at 127.0.0.1:8081

monitor:
  listen: 127.0.0.1:9187 # /metrics, /status, /healthz
  budgets: # how many bytes behind you accept
    - { follower: "*", warn: 64MiB, page: 256MiB, for: 10s }
  # webhook: { url: "https://…", secret: "\${env:WEBHOOK_SECRET}" } # where pages go
  # jobs: { redis: { url: "\${env:REDIS_URL}" } } # retries of pages as BullMQ jobs; else inside the monitor
`;
}
