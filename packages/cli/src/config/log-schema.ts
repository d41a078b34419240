import { z } from 'zod';
import { byteSize, duration } from './quantities.js';

/** `log:` of millrace.yaml: the embedded log, or Kafka. */

const embedded = z.strictObject({
  path: z.string().min(1).default('./.millrace/log').describe('Folder, relative to this file.'),
  partitions: partitionCount(1),
  max_bytes: byteSize.optional().describe('Most that the log may take. Default: the disk.'),
  retention: z
    .strictObject({
      bytes: byteSize.prefault('10GiB').describe('Keep about this much …'),
      age: duration.prefault('7d').describe('… and everything younger than this.'),
      followers: z
        .enum(['hold', 'drop'])
        .default('hold')
        .describe('hold: never trim what a registered follower needs. drop: trim, and stop that follower.'),
    })
    .prefault({}),
});

const pem = (what: string) =>
  z.string().min(1).describe(`${what}, as PEM text; usually a reference to a file.`);

const tls = z
  .union([
    z.boolean(),
    z
      .strictObject({
        ca: pem('Authorities to trust instead of the system’s').optional(),
        cert: pem('Certificate of this client').optional(),
        key: pem('Key of that certificate').optional(),
        servername: z.string().min(1).optional().describe('Name to expect instead of the broker’s host.'),
      })
      .refine((value) => (value.cert === undefined) === (value.key === undefined), {
        error: 'expected cert and key together',
      }),
  ])
  .default(false)
  .describe('TLS to the brokers: true, or { ca, cert, key, servername }.');

const sasl = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  username: z.string().min(1),
  password: z.string().min(1).describe('Usually a reference to the environment or to a file.'),
});

const topics = z
  .strictObject({
    partitions: partitionCount(1),
    replication: z.int().min(1).max(99).optional().describe('Copies of a topic. Default: 3, or all brokers.'),
    min_insync: z
      .int()
      .min(1)
      .max(99)
      .optional()
      .describe('Copies that acknowledge a write. Default: one less than there are.'),
    compression: z.enum(['none', 'gzip', 'snappy', 'lz4', 'zstd']).default('none'),
    retention: duration.prefault('7d').describe('Kafka drops events that are older than this.'),
  })
  .refine(({ replication, min_insync }) => (min_insync ?? 1) <= (replication ?? Number.POSITIVE_INFINITY), {
    error: 'min_insync must not be above replication',
    path: ['min_insync'],
  })
  .prefault({})
  .describe('How topics are made. One that exists is used as it is, and never changed.');

const kafka = z.strictObject({
  brokers: z
    .array(
      z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^:\s/]+):\d{1,5}$/, {
        error: 'expected host:port, such as kafka-1:9092',
      }),
    )
    .min(1)
    .describe('Some brokers of the cluster, host:port; the others are found through them.'),
  tls,
  sasl: sasl.optional(),
  topics,
});

export const logSchema = z
  .strictObject({ embedded: embedded.optional(), kafka: kafka.optional() })
  .refine((value) => value.embedded === undefined || value.kafka === undefined, {
    error: 'expected one log: embedded or kafka',
  })
  .prefault({})
  .transform((value) =>
    value.kafka ? { kafka: value.kafka } : { embedded: value.embedded ?? embedded.parse({}) },
  )
  .describe('Where commits are kept between leader and followers: embedded (the default), or kafka.');

function partitionCount(count: number) {
  return z
    .int()
    .min(1)
    .max(10_000)
    .default(count)
    .describe('Partitions of a new topic: more than one lets several workers apply it side by side.');
}
