/**
 * What a service does about a fault:
 * - `stop`: loud stop; nothing later is applied or published until an operator (or a configured policy) decides.
 * - `reclaim`: the capture gives up its epoch and starts over with a new claim (R12).
 * - `backoff`: try the same again after a growing pause; the wait shows in status (promise 10).
 * - `exit`: the process ends; another one has taken over, or the request itself was wrong.
 */
export type FaultPolicy = 'stop' | 'reclaim' | 'backoff' | 'exit';

export interface FaultEntry {
  readonly name: string;
  /** Why this happens, in an operator's words. */
  readonly cause: string;
  /** What to do, as an instruction. */
  readonly remedy: string;
  readonly policy: FaultPolicy;
  /** Process exit code when this fault ends a command (sysexits, see docs). */
  readonly exit: number;
}

const entry = (
  name: string,
  policy: FaultPolicy,
  exit: number,
  cause: string,
  remedy: string,
): FaultEntry => ({
  name,
  cause,
  remedy,
  policy,
  exit,
});

/**
 * Every fault, by stable code. 1xxx command and configuration, 2xxx leader and capture, 3xxx log,
 * 4xxx follower and applier, 5xxx values and codec, 6xxx monitor, 7xxx local servers (demo, tests), 9xxx our own.
 * A code is never reused for another meaning.
 */
export const faultCatalogue = {
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
  'MR-1005': entry(
    'PreflightFailed',
    'exit',
    1,
    '`millrace check` found something that would stop replication.',
    'Apply the fix printed beside each finding.',
  ),
  'MR-2001': entry(
    'LeaderUnavailable',
    'backoff',
    69,
    'The leader cannot be reached.',
    'Check host, port and network; Millrace keeps trying.',
  ),
  'MR-2002': entry(
    'LeaderAuthentication',
    'exit',
    77,
    'The leader refused the user, the password or a privilege.',
    'Grant the role LOGIN and REPLICATION, and SELECT on the published tables.',
  ),
  'MR-2003': entry(
    'LeaderMisconfigured',
    'exit',
    78,
    'A setting of the leader makes logical decoding impossible.',
    'Set wal_level = logical and leave room in max_replication_slots and max_wal_senders, then restart the leader.',
  ),
  'MR-2004': entry(
    'SlotBusy',
    'backoff',
    75,
    'Another session holds the replication slot.',
    'Stop the other consumer; Millrace waits and shows who holds it.',
  ),
  'MR-2005': entry(
    'SlotLost',
    'stop',
    65,
    'The replication slot is gone, was recreated, or lost the WAL it needs: changes are missing.',
    'Run `millrace resync --all` to read the tables again.',
  ),
  'MR-2006': entry(
    'SlotAhead',
    'stop',
    65,
    'The slot was confirmed beyond what the log holds: commits in between are lost to the log.',
    'Run `millrace resync --all`; find out who else confirmed this slot.',
  ),
  'MR-2007': entry(
    'Forked',
    'stop',
    65,
    'The leader failed over and commits that were already published never happened on the new timeline.',
    'Run `millrace resync --all`.',
  ),
  'MR-2008': entry(
    'LeaderReplaced',
    'stop',
    65,
    'The leader is another cluster: its system identifier changed.',
    'Point the configuration at the right leader, or start a new pipeline with a new log.',
  ),
  'MR-2009': entry(
    'Fenced',
    'exit',
    75,
    'A newer capture took over: this one changes nothing any more.',
    'None needed. If two captures run by mistake, stop one.',
  ),
  'MR-2010': entry(
    'SchemaUncertain',
    'stop',
    65,
    'A schema change cannot be told for certain from the stream and the catalogue.',
    'Run `millrace resync --table <name>`, or install the DDL event trigger (`millrace check` prints it).',
  ),
  'MR-2011': entry(
    'ReplicationProtocol',
    'reclaim',
    65,
    'The leader sent bytes that do not follow the protocol.',
    'Report this with the message type and offset shown.',
  ),
  'MR-2012': entry(
    'ConnectionLost',
    'reclaim',
    69,
    'The replication connection broke.',
    'None needed: Millrace reconnects and claims anew.',
  ),
  'MR-2013': entry(
    'PublicationMissing',
    'stop',
    78,
    'The publication does not exist, or lacks a table that is configured.',
    'Create it, or let Millrace do so with `leader.publication.create: true`.',
  ),
  'MR-2014': entry(
    'TableUnsupported',
    'stop',
    78,
    'A table cannot be replicated as it is.',
    'Follow the fix named in the message.',
  ),
  'MR-2015': entry(
    'UnsupportedServer',
    'exit',
    78,
    'The leader is older than PostgreSQL 14 or otherwise unsupported.',
    'Upgrade the leader.',
  ),
  'MR-2016': entry(
    'SpoolFailed',
    'reclaim',
    75,
    'The temporary file that holds the rows of a large table while it is read could not be written or read.',
    'Give the folder for temporary files (TMPDIR) room for the largest table that is read whole. Capture tries again by itself.',
  ),
  'MR-3001': entry(
    'LogHole',
    'stop',
    65,
    'A progress record is missing between two others.',
    'Run `millrace resync` for the follower; check the log for lost data.',
  ),
  'MR-3002': entry(
    'ChainBroken',
    'stop',
    65,
    'A progress record does not continue where its predecessor ended.',
    'Run `millrace resync` for the follower; check the log for lost data.',
  ),
  'MR-3003': entry(
    'LogTrimmed',
    'stop',
    65,
    'Events that this reader still needs were removed by retention.',
    'Run `millrace resync <follower>`, and raise the retention or hold it for followers.',
  ),
  'MR-3004': entry(
    'CountMismatch',
    'stop',
    65,
    'The log holds fewer or more events of a record than the record names.',
    'Run `millrace resync <follower>`; check the log for lost data, compaction or a recreated topic.',
  ),
  'MR-3005': entry(
    'TopicRecreated',
    'stop',
    65,
    'A topic was deleted and made again: offsets started over.',
    'Run `millrace resync --all`.',
  ),
  'MR-3006': entry(
    'LogRecreated',
    'stop',
    65,
    'The log is not the one this position was made with.',
    'Run `millrace resync <follower>`, or restore the right log.',
  ),
  'MR-3007': entry(
    'LogRewound',
    'stop',
    65,
    'The log ends before a position that was already reached: it was restored from an older copy.',
    'Run `millrace resync --all`.',
  ),
  'MR-3008': entry(
    'LogUnavailable',
    'backoff',
    69,
    'The log cannot be reached or written.',
    'Check the disk or the brokers; Millrace keeps trying.',
  ),
  'MR-3009': entry(
    'LogFull',
    'backoff',
    69,
    'The disk or map size of the log is exhausted.',
    'Free space, raise `log.embedded.max_bytes`, or shorten retention.',
  ),
  'MR-3010': entry(
    'LogLocked',
    'backoff',
    75,
    'Another process holds the log for writing.',
    'Stop the other process; Millrace waits and shows who holds it.',
  ),
  'MR-3011': entry(
    'UnknownRecord',
    'stop',
    65,
    'A record of an unknown version or kind stands in the log.',
    'Upgrade this Millrace to the version that wrote it.',
  ),
  'MR-3012': entry(
    'RecordCorrupt',
    'stop',
    65,
    'A record in the log cannot be decoded.',
    'Run `millrace resync <follower>`; check the disk.',
  ),
  'MR-3013': entry(
    'AppendUncertain',
    'reclaim',
    75,
    'The outcome of an append is unknown.',
    'None needed: Millrace reads the log back and claims anew (R12).',
  ),
  'MR-3014': entry(
    'LogForeign',
    'exit',
    78,
    'The directory of the embedded log holds something else, or its file is damaged.',
    'Name another directory under `log.embedded.path`, or restore the log; then run `millrace resync --all`.',
  ),
  'MR-4001': entry(
    'FollowerUnavailable',
    'backoff',
    69,
    'The follower cannot be reached.',
    'Check host, port and network; Millrace keeps trying.',
  ),
  'MR-4002': entry(
    'FollowerAuthentication',
    'exit',
    77,
    'The follower refused the user, the password or a privilege.',
    'Grant the role CREATE on the database and ownership of the mirrored tables.',
  ),
  'MR-4003': entry(
    'FollowerFenced',
    'exit',
    75,
    'Another applier took this follower over: this one changes nothing any more.',
    'None needed. If two appliers run by mistake, stop one.',
  ),
  'MR-4004': entry(
    'FollowerWentBack',
    'stop',
    65,
    'The follower holds an older position than it reported: it was restored from an older copy.',
    'Set `on_restore: replay` to resume from its own position, or run `millrace resync <follower>`.',
  ),
  'MR-4005': entry(
    'FollowerForeign',
    'stop',
    65,
    'The follower holds the position of another pipeline or log.',
    'Use another database or schema, or run `millrace resync <follower>`.',
  ),
  'MR-4006': entry(
    'FollowerRejected',
    'stop',
    65,
    'The follower refused an event: a constraint, a type or a missing table.',
    'Correct the table named in the message, then start again; the position has not moved.',
  ),
  'MR-4007': entry(
    'FollowerFull',
    'backoff',
    69,
    'The follower has no room left on its disk.',
    'Free space; Millrace keeps trying.',
  ),
  'MR-4008': entry(
    'SchemaRefused',
    'stop',
    65,
    'A schema change cannot be applied to this follower under its policy.',
    'Change the policy, apply the change by hand, or run `millrace resync <follower>`.',
  ),
  'MR-4009': entry(
    'FollowerLocked',
    'backoff',
    75,
    'Another process holds the follower’s file.',
    'Close the other process; Millrace waits and shows who holds it.',
  ),
  'MR-4010': entry(
    'RowMissing',
    'stop',
    65,
    'An update or delete found no row in an exact follower: it was changed by hand.',
    'Run `millrace resync <follower>`.',
  ),
  'MR-4011': entry(
    'CommitUncertain',
    'reclaim',
    75,
    'The outcome of the follower’s commit is unknown.',
    'None needed: the position row tells, after a new takeover.',
  ),
  'MR-4012': entry(
    'FollowerDamaged',
    'stop',
    65,
    'The follower’s file cannot be opened: it is damaged, or not one of ours.',
    'Move the file aside and run `millrace resync <follower>`: it is built anew from the leader.',
  ),
  'MR-5001': entry(
    'ValueRefused',
    'stop',
    65,
    'A value cannot be carried exactly.',
    'Change the column’s type or exclude the column; nothing was rounded or dropped.',
  ),
  'MR-5002': entry(
    'TypeUnsupported',
    'stop',
    78,
    'A column’s type cannot be carried under this preset or follower.',
    'Use preset `lossless`, or exclude the column.',
  ),
  'MR-5003': entry(
    'EventCorrupt',
    'stop',
    65,
    'An event in the log cannot be decoded.',
    'Run `millrace resync <follower>`; check the log for damage.',
  ),
  'MR-5004': entry(
    'SchemaUnknown',
    'stop',
    65,
    'An event names a schema that the registry does not hold.',
    'Restore the registry, or run `millrace resync --all`.',
  ),
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
  'MR-7001': entry(
    'LocalServerUnavailable',
    'exit',
    69,
    'No PostgreSQL binaries for this platform and version are installed.',
    'Install optional dependencies (pnpm install), or give a server’s URL.',
  ),
  'MR-7002': entry(
    'LocalServerFailed',
    'exit',
    69,
    'A local PostgreSQL server did not start, stop or answer.',
    'Read the server’s log lines in the message.',
  ),
  'MR-7003': entry(
    'LocalFolderUnsafe',
    'exit',
    77,
    'No temporary folder can be used safely by a local server.',
    'Point TMPDIR at a folder of your own that other users can traverse but not write.',
  ),
  'MR-9001': entry(
    'InternalError',
    'stop',
    70,
    'A bug in Millrace.',
    'Report it with the message and the log lines before it.',
  ),
} as const satisfies Record<string, FaultEntry>;

export type FaultCode = keyof typeof faultCatalogue;
