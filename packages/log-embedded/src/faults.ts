import { Fault, type FaultCode, toFault } from '@millrace/runtime';

/** Return codes of LMDB and of the system, as lmdb-js puts them into `error.code`. */
const codes = new Map<number | string, FaultCode>([
  [-30792, 'MR-3009'], // MDB_MAP_FULL
  [28, 'MR-3009'], // ENOSPC
  [122, 'MR-3009'], // EDQUOT
  [27, 'MR-3009'], // EFBIG
  ['ENOSPC', 'MR-3009'],
  ['EDQUOT', 'MR-3009'],
  ['EFBIG', 'MR-3009'],
  [-30793, 'MR-3014'], // MDB_INVALID: not an LMDB file
  [-30794, 'MR-3014'], // MDB_VERSION_MISMATCH
  [-30796, 'MR-3014'], // MDB_CORRUPTED
  [-30797, 'MR-3014'], // MDB_PAGE_NOTFOUND
]);

/** What went wrong with the log's file, as a fault. A write that failed has changed nothing: its transaction is undone. */
export function toLogFault(error: unknown, doing: string): Fault {
  if (error instanceof Fault) return error;
  const code = (error as { code?: number | string } | undefined)?.code;
  const message = error instanceof Error ? error.message : String(error);
  const known = (code !== undefined && codes.get(code)) || byMessage(message);
  // An error that is neither LMDB's nor the system's was thrown inside the section by our own code.
  if (!known && code === undefined) return toFault(error);
  const forbidden = code === 'EACCES' || code === 'EPERM' || code === systemForbidden;
  return new Fault(known ?? 'MR-3008', {
    detail: `${doing}: ${message}`,
    cause: error,
    ...(forbidden && {
      remedy:
        'Let the user that runs Millrace write this folder and all files in it, or change `log.embedded.path`.',
    }),
  });
}

/** EACCES, as lmdb-js gives it. */
const systemForbidden = 13;

/** Commit errors arrive as text only. */
function byMessage(message: string): FaultCode | undefined {
  if (/no space left|map ?size limit|map_full|file too large|quota/i.test(message)) return 'MR-3009';
  if (/mdb_invalid|mdb_corrupted|mdb_version_mismatch|not an lmdb/i.test(message)) return 'MR-3014';
  return undefined;
}
