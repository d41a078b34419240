import { entry, type FaultEntry } from './entry.js';

/** 9xxx. Our own. */
export const ownFaults = {
  'MR-9001': entry(
    'InternalError',
    'stop',
    70,
    'A bug in Millrace.',
    'Report it with the message and the log lines before it.',
  ),
} as const satisfies Record<string, FaultEntry>;
