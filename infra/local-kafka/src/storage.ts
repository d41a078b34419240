import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runAs } from '@millrace/local-process';
import type { KafkaPrograms } from './programs.js';

/** A random id as Kafka writes them: 16 bytes in 22 characters of base64url, the first not a dash. */
export function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

/** A user of SCRAM, in StorageTool's words: `SCRAM-SHA-256=[name=…,password=…]`. */
export type ScramUser = string;

/** Formats the storage of the node in `folder` by Kafka's own tool: 1 s. Needed for SCRAM users. Throws MR-7002. */
export function formatByTool(
  { java, classpath, options }: KafkaPrograms,
  folder: string,
  clusterId: string,
  scramUsers: readonly ScramUser[],
): Promise<void> {
  return runAs(undefined, folder, java.program, [
    ...options,
    ...['-cp', classpath, 'kafka.tools.StorageTool', 'format'],
    ...['--cluster-id', clusterId, '--config', join(folder, 'server.properties')],
    ...scramUsers.flatMap((user) => ['--add-scram', user]),
  ]);
}

/** Formats it by what the tool would leave there (Kafka's `MetaPropertiesVersion.V1`), taken from an earlier run of it. */
export async function formatByCopy(
  bootstrapCheckpoint: string,
  folder: string,
  nodeId: number,
  clusterId: string,
): Promise<void> {
  const dataDir = join(folder, 'data');
  await mkdir(dataDir, { recursive: true });
  await copyFile(bootstrapCheckpoint, join(dataDir, 'bootstrap.checkpoint'));
  const lines = [
    'version=1',
    `cluster.id=${clusterId}`,
    `node.id=${nodeId}`,
    `directory.id=${newClusterId()}`,
  ];
  await writeFile(join(dataDir, 'meta.properties'), `${lines.join('\n')}\n`);
}
