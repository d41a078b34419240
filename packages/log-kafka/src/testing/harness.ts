import type { LogHarness } from '@millrace/log/conformance';
import { type Logger, silentLogger, systemClock } from '@millrace/runtime';
import { openKafkaLog } from '../open.js';
import type { KafkaLog, KafkaLogOptions } from '../options.js';

let number = 0;

/** A pipeline's name that no other test on the same brokers has. */
export const freshPrefix = (): string => `shop-${process.pid}-${Date.now().toString(36)}-${number++}`;

/** Opens a log, with what a test does not care about filled in. */
export function openTestLog(
  brokers: readonly string[],
  prefix: string,
  options: Partial<KafkaLogOptions> & { readonly logger?: Logger } = {},
): Promise<KafkaLog> {
  return openKafkaLog({ brokers, prefix, clock: systemClock, logger: silentLogger, ...options });
}

/** A log of its own on shared brokers: topics of ended tests stay behind and end with the cluster. */
export function kafkaHarness(brokers: readonly string[]): LogHarness {
  const prefix = freshPrefix();
  return {
    prefix,
    open: () => openTestLog(brokers, prefix),
    destroy: async () => {},
  };
}
