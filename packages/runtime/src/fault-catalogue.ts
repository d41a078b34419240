import { commandFaults } from './faults/command.js';
import type { FaultEntry } from './faults/entry.js';
import { followerFaults } from './faults/follower.js';
import { leaderFaults } from './faults/leader.js';
import { localServerFaults } from './faults/local-servers.js';
import { logFaults } from './faults/log.js';
import { monitorFaults } from './faults/monitor.js';
import { ownFaults } from './faults/own.js';
import { valueFaults } from './faults/values.js';

export type { FaultEntry, FaultPolicy } from './faults/entry.js';

/**
 * Every fault, by stable code. 1xxx command and configuration, 2xxx leader and capture, 3xxx log,
 * 4xxx follower and applier, 5xxx values and codec, 6xxx monitor, 7xxx local servers (demo, tests), 9xxx our own: one file
 * each in `faults/`. A code is never reused for another meaning.
 */
export const faultCatalogue = {
  ...commandFaults,
  ...leaderFaults,
  ...logFaults,
  ...followerFaults,
  ...valueFaults,
  ...monitorFaults,
  ...localServerFaults,
  ...ownFaults,
} as const satisfies Record<string, FaultEntry>;

export type FaultCode = keyof typeof faultCatalogue;
