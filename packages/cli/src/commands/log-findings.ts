import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { silentLogger, toFault } from '@millrace/runtime';
import type { LoadedConfig } from '../config/load.js';
import { logFolderOf, lookAtKafka } from '../wiring/log.js';
import type { Finding } from './finding.js';

/** What the log still needs. */
export async function logFindings(loaded: LoadedConfig): Promise<Finding[]> {
  const folder = logFolderOf(loaded);
  return folder === undefined ? kafkaFindings(loaded) : folderFindings(folder);
}

async function kafkaFindings(loaded: LoadedConfig): Promise<Finding[]> {
  try {
    const found = await lookAtKafka(loaded, silentLogger);
    if (found === undefined)
      return [
        {
          where: 'log',
          severity: 'note',
          code: 'kafka-topics',
          what: 'the brokers answer; the pipeline’s topics are not there yet',
          fix: 'They are made at the first start, or make them yourself before: docs/06a-kafka-log.md.',
        },
      ];
    return found.map(({ severity, finding, fix }) => ({
      where: 'log',
      severity,
      code: 'kafka',
      what: finding,
      fix,
    }));
  } catch (error) {
    const { code, detail, remedy } = toFault(error);
    return [{ where: 'log', severity: 'error', code, what: detail, fix: remedy }];
  }
}

/** The nearest folder that exists must let us make the rest. */
function folderFindings(folder: string): Finding[] {
  let at = folder;
  while (!existsSync(at)) at = dirname(at);
  return isWritable(at)
    ? []
    : [
        {
          where: 'log',
          severity: 'error',
          code: 'MR-3008',
          what: `the log's folder cannot be made or written: ${at}`,
          fix: 'Grant this user write access, or change `log.embedded.path`.',
        },
      ];
}

export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
