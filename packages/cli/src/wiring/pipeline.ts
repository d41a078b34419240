import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { type Codec, createCodec, type SchemaStore } from '@millrace/codec';
import type { Follower } from '@millrace/follower';
import { parsePostgresUrl } from '@millrace/postgres';
import { Fault, type Logger, type Surroundings, systemClock } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import type { FollowerConfig } from '../config/schema.js';
import { suggestion } from '../config/suggest.js';
import { version } from '../version.js';

/** Adapters made from the configuration: the only place that knows which is which. */

export const surroundingsFor = (logger: Logger): Surroundings => ({
  clock: systemClock,
  logger,
  random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
});

export const slotOf = ({ config }: LoadedConfig): string =>
  config.leader.slot ?? `millrace_${config.pipeline.toLowerCase().replaceAll('-', '_')}`;

/** Capture and appliers must make the same one: schemas are kept in one place, `source.db` is the leader's database. */
export function codecFor({ config }: LoadedConfig, schemas: SchemaStore): Codec {
  const target = parsePostgresUrl(config.leader.url);
  return createCodec({
    format: config.codec.format,
    preset: config.codec.preset,
    schemas,
    connectorName: config.pipeline,
    database: target.database ?? target.user ?? '',
    version,
  });
}

/** The configured follower. Throws MR-1001 with the names there are. */
export function followerConfig({ config }: LoadedConfig, name: string): FollowerConfig {
  const names = Object.keys(config.followers);
  const found = Object.hasOwn(config.followers, name) ? config.followers[name] : undefined;
  if (found) return found;
  const meant = suggestion(name, names);
  throw new Fault('MR-1001', {
    detail: `there is no follower "${name}"${meant ? `; did you mean "${meant}"?` : ''}`,
    remedy: `Followers in the configuration: ${names.join(', ')}.`,
  });
}

export async function openFollower(loaded: LoadedConfig, name: string, logger: Logger): Promise<Follower> {
  const { postgres, duckdb } = followerConfig(loaded, name);
  // Drivers are loaded when they are needed: a capture has no use for DuckDB's engine.
  if (postgres) {
    const { createPostgresFollower } = await import('@millrace/follower-postgres');
    return createPostgresFollower({
      url: postgres.url,
      name,
      existingTables: postgres.adopt ? 'adopt' : 'refuse',
      clock: systemClock,
      logger,
    });
  }
  if (duckdb) {
    const { createDuckDbFollower } = await import('@millrace/follower-duckdb');
    return createDuckDbFollower({
      path: resolve(loaded.folder, duckdb.path),
      name,
      memoryLimit: `${Math.ceil(duckdb.memory_limit / 1e6)}MB`,
      threads: duckdb.threads,
      clock: systemClock,
      logger,
    });
  }
  throw new Fault('MR-9001', { detail: `follower ${name} has no store` });
}

/** Who writes claims, for people. */
export const identity = { host: hostname(), pid: process.pid, version };
