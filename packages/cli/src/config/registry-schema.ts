import { z } from 'zod';

/** `registry:` and `codec.registry` of millrace.yaml: the schema registry that we serve, and one that others serve. */

const together = (one: string, other: string) => ({ error: `expected ${one} and ${other} together` });

const webUrl = z
  .string()
  .refine((text) => /^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : ''), {
    error: 'expected a URL that begins with http:// or https://',
  });

const pem = (what: string) =>
  z.string().min(1).describe(`${what}, as PEM text; usually a reference to a file.`);

/** `host:port`, an IPv6 address in brackets. */
export const listenAt = (otherwise: string) =>
  z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/, {
      error: `expected host:port, such as ${otherwise}`,
    })
    .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, {
      error: 'expected a port up to 65535',
    })
    .default(otherwise);

/** An external registry that speaks Confluent's REST interface. */
export const externalRegistrySchema = z
  .strictObject({
    url: webUrl.describe('With the path of the interface, such as Apicurio’s /apis/ccompat/v7.'),
    username: z.string().min(1).optional(),
    password: z.string().min(1).optional().describe('Usually a reference to the environment or to a file.'),
    ca: pem('Authorities to trust instead of the system’s').optional(),
    cert: pem('Certificate of this client').optional(),
    key: pem('Key of that certificate').optional(),
  })
  .refine(
    ({ username, password }) => (username === undefined) === (password === undefined),
    together('username', 'password'),
  )
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), together('cert', 'key'))
  .describe('Register schemas in an external registry of Confluent’s REST interface instead of in the log.');

/** The registry that Millrace serves. */
export const ownRegistrySchema = z
  .strictObject({
    listen: listenAt('127.0.0.1:8081').describe('Where Confluent’s REST interface answers.'),
    writable: z.boolean().default(false).describe('Let outside parties register schemas of their own.'),
    username: z.string().min(1).optional().describe('Required of every client, with the password.'),
    password: z.string().min(1).optional().describe('Usually a reference to the environment or to a file.'),
    tls: z
      .strictObject({ cert: pem('Certificate to serve with'), key: pem('Key of that certificate') })
      .optional(),
  })
  .refine(
    ({ username, password }) => (username === undefined) === (password === undefined),
    together('username', 'password'),
  )
  .describe(
    'Serve the schemas of the log to outside consumers; `registry: {}` is enough. Not served by default.',
  );

export type ExternalRegistryConfig = z.output<typeof externalRegistrySchema>;
export type OwnRegistryConfig = z.output<typeof ownRegistrySchema>;
