import { z } from 'zod';
import { postgresUrl, redisUrl } from './urls.js';

/** `monitor.jobs`: what runs the retries of pages. */
export const jobsSchema = z
  .strictObject({
    in_process: z
      .strictObject({})
      .optional()
      .describe('Inside the monitor. What is owed is kept in the log.'),
    redis: z
      .strictObject({ url: redisUrl })
      .optional()
      .describe('BullMQ on Redis 6.2 or newer, for those who watch their jobs there.'),
    postgres: z
      .strictObject({ url: postgresUrl })
      .optional()
      .describe('BullMQ in the schema "bullmq" of a database that is not captured.'),
  })
  .refine(
    ({ in_process, redis, postgres }) =>
      [in_process, redis, postgres].filter((place) => place !== undefined).length === 1,
    { error: 'expected exactly one of in_process, redis and postgres' },
  )
  .prefault({ in_process: {} })
  .describe('What runs the retries of pages. Default: in_process.');

export type JobsConfig = z.output<typeof jobsSchema>;
