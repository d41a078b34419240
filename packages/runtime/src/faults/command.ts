import { entry, type FaultEntry } from './entry.js';

/** 1xxx. Command and configuration. */
export const commandFaults = {
  'MR-1001': entry(
    'UsageError',
    'exit',
    64,
    'The command line was not understood.',
    'Run the command with --help.',
  ),
  'MR-1002': entry(
    'ConfigNotFound',
    'exit',
    78,
    'No configuration file was found.',
    'Run `millrace init`, or name a file with --config.',
  ),
  'MR-1003': entry(
    'ConfigInvalid',
    'exit',
    78,
    'The configuration file has an error.',
    'Correct the line that the message shows.',
  ),
  'MR-1004': entry(
    'SecretUnavailable',
    'exit',
    78,
    'A secret reference (env: or file:) could not be resolved.',
    'Set the variable or create the file.',
  ),
} as const satisfies Record<string, FaultEntry>;
