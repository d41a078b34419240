import { entry, type FaultEntry } from './entry.js';

/** 6xxx. The monitor, pages, background jobs. */
export const monitorFaults = {
  'MR-6001': entry(
    'NotifierFailed',
    'backoff',
    69,
    'A page could not be delivered.',
    'Check the webhook’s address; Millrace keeps trying.',
  ),
  'MR-6002': entry(
    'PortInUse',
    'exit',
    69,
    'The HTTP port is taken.',
    'Choose another `monitor.listen` address.',
  ),
  'MR-6003': entry(
    'JobsUnavailable',
    'backoff',
    69,
    'The server that keeps background jobs cannot be reached, or does not answer.',
    'Millrace delivers pages without it meanwhile and goes on by itself. Check `monitor.jobs`, the network and the server.',
  ),
  'MR-6004': entry(
    'JobsRefused',
    'backoff',
    77,
    'The server that keeps background jobs refuses user, password or privilege.',
    'Correct the credentials in `monitor.jobs`, or grant what the message names; it is tried again by itself.',
  ),
  'MR-6005': entry(
    'JobsInLeader',
    'exit',
    78,
    'Background jobs may not live in the database that is captured: their tables would write WAL, and be captured.',
    'Give `monitor.jobs` another database, best on another server.',
  ),
  'MR-6006': entry(
    'JobsFull',
    'backoff',
    75,
    'As many background jobs wait as there may.',
    'Find out why they are not done: see `millrace status` and the monitor’s log.',
  ),
  'MR-6007': entry(
    'JobFailed',
    'backoff',
    69,
    'A background job was refused for good, or given up after its last attempt.',
    'The message says by whom and why. It is not tried again.',
  ),
  'MR-6008': entry(
    'JobsServerUnfit',
    'backoff',
    78,
    'The server that keeps background jobs cannot be used as it is.',
    'Follow the message: upgrade it, or change the setting that it names.',
  ),
  'MR-6009': entry(
    'JobsMayBeForgotten',
    'backoff',
    78,
    'The server that keeps background jobs may forget them.',
    'Redis: set `appendonly yes` and `maxmemory-policy noeviction`. Pages that are owed are kept in the log as well.',
  ),
} as const satisfies Record<string, FaultEntry>;
