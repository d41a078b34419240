import { z } from 'zod';
import { jobsSchema } from './jobs-schema.js';
import { logSchema } from './log-schema.js';
import { byteSize, duration } from './quantities.js';
import { externalRegistrySchema, listenAt, ownRegistrySchema } from './registry-schema.js';
import { postgresUrl, webUrl } from './urls.js';

/**
 * The one description of millrace.yaml: validation, defaults and the JSON Schema for editors come from here.
 * Unknown keys are errors everywhere. Sizes arrive in bytes, durations in milliseconds.
 */

const name = (what: string) =>
  z.string().regex(/^[a-zA-Z][a-zA-Z0-9_-]{0,47}$/, {
    error: `expected ${what}: a letter, then up to 47 letters, digits, "_" or "-"`,
  });

const publication = z
  .union([
    z.string().min(1),
    z.strictObject({
      name: z.string().min(1).default('millrace'),
      create: z.boolean().default(true).describe('Make the publication, or add tables to it, when needed.'),
    }),
  ])
  .default('millrace')
  .transform((value) => (typeof value === 'string' ? { name: value, create: true } : value))
  .describe('The publication to read: its name, or { name, create }.');

const leader = z
  .strictObject({
    url: postgresUrl.describe('The leader. Needs REPLICATION, and SELECT on the tables.'),
    publication,
    slot: z
      .string()
      .regex(/^[a-z0-9_]{1,63}$/, { error: 'expected a slot name: up to 63 of a-z, 0-9 and "_"' })
      .optional()
      .describe('Replication slot. Default: millrace_<pipeline>.'),
    tables: z
      .array(z.string().regex(/^[^.]+\.[^.]+$/, { error: 'expected schema.table or schema.*' }))
      .min(1)
      .default(['public.*'])
      .describe('schema.table or schema.*; what the publication is made with.'),
    ddl_events: z
      .enum(['auto', 'on', 'off'])
      .default('auto')
      .describe('Event trigger on the leader that names schema changes for certain.'),
    on_gap: z
      .enum(['stop', 'resnapshot'])
      .default('stop')
      .describe('When commits are missing between log and slot, or the log lost events.'),
    on_fork: z
      .enum(['stop', 'resnapshot'])
      .default('stop')
      .describe('When the leader failed over and lost commits that were published.'),
    on_schema_uncertain: z
      .enum(['stop', 'repair'])
      .default('stop')
      .describe('When a schema change cannot be told for certain.'),
  })
  .describe('The PostgreSQL database to copy from.');

const codec = z
  .strictObject({
    format: z.enum(['avro', 'json']).default('avro'),
    preset: z
      .enum(['lossless', 'debezium'])
      .default('lossless')
      .describe('lossless: every value comes back exactly. debezium: its default encodings.'),
    registry: externalRegistrySchema.optional(),
  })
  .refine(({ format, registry }) => format === 'avro' || registry === undefined, {
    error: 'format json has no schemas to register',
    path: ['registry'],
  })
  .prefault({})
  .describe('How events are written into the log.');

const followerPolicies = {
  on_restore: z
    .enum(['stop', 'replay'])
    .default('stop')
    .describe('When the follower holds an older position than it reported.'),
  schema: z
    .enum(['evolve', 'strict', 'ignore'])
    .default('evolve')
    .describe('What to do with schema changes of the leader.'),
  mode: z
    .enum(['transactional', 'partitioned'])
    .default('transactional')
    .describe(
      'transactional: one applier works, others stand by. partitioned: any number work at once; exact per key.',
    ),
};

const postgresFollower = z.strictObject({
  url: postgresUrl,
  adopt: z
    .boolean()
    .default(false)
    .describe(
      'Take over compatible tables that hold rows: these are overwritten. Empty ones are used anyway.',
    ),
});

const duckdbFollower = z.strictObject({
  path: z.string().min(1).describe('File, relative to this one.'),
  memory_limit: byteSize.prefault('128MB'),
  threads: z.int().min(1).max(64).default(1),
});

const follower = z
  .strictObject({
    postgres: postgresFollower.optional(),
    duckdb: duckdbFollower.optional(),
    ...followerPolicies,
  })
  .refine((value) => [value.postgres, value.duckdb].filter((store) => store !== undefined).length === 1, {
    error: 'expected exactly one store: postgres or duckdb',
  })
  .refine(({ mode, duckdb }) => mode === 'transactional' || duckdb === undefined, {
    error: 'one process at a time owns a DuckDB file: use mode transactional',
    path: ['mode'],
  });

const reserved: readonly string[] = ['capture', 'monitor'];

const followers = z
  .record(
    name('a follower’s name').refine((text) => !reserved.includes(text), {
      error: `"capture" and "monitor" are names of services`,
    }),
    follower,
  )
  .refine((value) => Object.keys(value).length > 0, { error: 'expected at least one follower' })
  .describe('Stores that become copies of the leader, by name.');

const budget = z
  .strictObject({
    follower: z.string().min(1).default('*').describe('A follower’s name, "capture", or "*".'),
    warn: byteSize,
    page: byteSize,
    for: duration.prefault('10s'),
  })
  .refine((value) => value.warn <= value.page, { error: 'warn must not be above page', path: ['warn'] });

const monitor = z
  .strictObject({
    listen: listenAt('127.0.0.1:9187').describe('Where /metrics, /status and /healthz answer.'),
    sample: duration.refine((ms) => ms >= 100, { error: 'expected at least 100ms' }).prefault('1s'),
    budgets: z
      .array(budget)
      .prefault([{ follower: '*', warn: '64MiB', page: '256MiB', for: '10s' }])
      .describe('How many bytes behind one accepts.'),
    webhook: z
      .strictObject({
        url: webUrl,
        secret: z
          .union([z.string(), z.array(z.string()).max(4)])
          .optional()
          .describe('whsec_…; several while rotating.'),
      })
      .optional()
      .describe('Where pages go, as Standard Webhooks.'),
    jobs: jobsSchema,
    runbook: webUrl.optional().describe('Link in every page.'),
    dashboard: webUrl.optional().describe('Link in every page.'),
  })
  .prefault({})
  .describe('Lag in bytes, budgets, pages, metrics.');

export const configSchema = z
  .strictObject({
    pipeline: name('a pipeline’s name').describe('Name of the pipeline: prefix of topics and of the slot.'),
    environment: name('an environment’s name').default('default').describe('Named in pages.'),
    leader,
    log: logSchema,
    codec,
    registry: ownRegistrySchema.optional(),
    followers,
    monitor,
  })
  .refine(({ codec, registry }) => !registry || (codec.format === 'avro' && !codec.registry), {
    error:
      'there is nothing to serve: the log holds schemas with format avro and without codec.registry only',
    path: ['registry'],
  })
  .describe('Configuration of a Millrace pipeline.');

/** The configuration as code receives it. */
export type Config = z.output<typeof configSchema>;
export type FollowerConfig = Config['followers'][string];

/** JSON Schema (2020-12) of what one writes, for editors; published with the package. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' });
  return { $schema, $id: schemaUrl, title: 'millrace.yaml', ...rest };
}

/** Where editors find the schema: the line that `millrace init` writes. */
export const schemaUrl = 'https://unpkg.com/millrace/schema/millrace.schema.json';
