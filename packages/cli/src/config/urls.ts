import { z } from 'zod';

/** Of a PostgreSQL server and database. */
export const postgresUrl = z
  .string()
  .refine((text) => /^postgres(ql)?:$/.test(URL.canParse(text) ? new URL(text).protocol : ''), {
    error: 'expected a URL such as "postgresql://user@host:5432/database"',
  })
  .describe('postgresql://user:password@host:5432/database?sslmode=verify-full');

export const webUrl = z
  .string()
  .refine((text) => /^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : ''), {
    error: 'expected a URL that begins with http:// or https://',
  });

/** `rediss` is TLS, with verification of the certificate. */
export const redisUrl = z
  .string()
  .refine((text) => /^rediss?:$/.test(URL.canParse(text) ? new URL(text).protocol : ''), {
    error: 'expected a URL such as "redis://host:6379" or "rediss://host:6379"',
  })
  .describe('redis://user:password@host:6379/0, or rediss:// for TLS.');
