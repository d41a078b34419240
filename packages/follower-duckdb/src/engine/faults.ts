import { Fault, type FaultCode } from '@millrace/runtime';

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The holder's pid in DuckDB's words: `Conflicting lock is held in /usr/bin/node (PID 4711)`. */
const lockHolder = /Conflicting lock is held in (.*?)\.? See also/;

/** Errors after which DuckDB serves nothing any more until the file is opened anew. */
const fatal = /^(?:FATAL|INTERNAL) Error|database has been invalidated/i;
const diskFull = /No space left|disk (?:is )?full|max_temp_directory_size|not enough (?:disk )?space/i;

/** In a statement's words and in a commit's, which begin otherwise. */
const outOfMemory = /^Out of Memory|(?:could not allocate|failed to (?:pin|allocate)) block/i;

export const isOutOfMemory = (error: unknown): boolean => outOfMemory.test(textOf(error));

export const isFatal = (error: unknown): boolean => fatal.test(textOf(error));

/** Which fault an error of a statement is. Conversion errors quote values: their text is not passed on. */
export function engineFault(error: unknown, doing: string): Fault {
  if (error instanceof Fault) return error;
  const text = textOf(error);
  const code = codeOf(text);
  const words = code === 'MR-5001' ? 'a value does not fit its column' : firstLine(text);
  return new Fault(code, {
    detail: `while ${doing}: ${words}`,
    cause: code === 'MR-5001' ? undefined : error,
    ...(outOfMemory.test(text)
      ? {
          remedy:
            'Raise `memory_limit` of this follower, or make its batches smaller; the position has not moved.',
        }
      : {}),
  });
}

function codeOf(text: string): FaultCode {
  if (diskFull.test(text)) return 'MR-4007';
  if (fatal.test(text)) return 'MR-4001';
  if (outOfMemory.test(text)) return 'MR-4006';
  if (/^(?:Conversion|Out of Range|Invalid Input) Error/.test(text)) return 'MR-5001';
  if (/^(?:Constraint|Catalog|Binder|Parser|Dependency|Not implemented) Error/i.test(text)) return 'MR-4006';
  if (/^(?:IO|TransactionContext|Connection|Interrupt) Error|^INTERRUPT/i.test(text)) return 'MR-4001';
  return 'MR-9001';
}

const firstLine = (text: string): string => text.split('\n', 1)[0] as string;

/** Which fault it is when a file cannot be opened. */
export function openFault(error: unknown, path: string): Fault {
  const text = textOf(error);
  const holder = lockHolder.exec(text)?.[1];
  if (holder !== undefined || /Could not set lock/.test(text)) {
    return new Fault('MR-4009', {
      detail: `${path} is held by ${holder ?? 'another process'}.`,
      cause: error,
    });
  }
  if (diskFull.test(text))
    return new Fault('MR-4007', { detail: `while opening ${path}: ${firstLine(text)}`, cause: error });
  if (/Permission denied|Cannot open file|No such file/i.test(text)) {
    return new Fault('MR-4001', {
      detail: `${path} cannot be opened: ${firstLine(text)}`,
      remedy:
        'Create the folder, or give the user of this process write access to it; Millrace keeps trying.',
      cause: error,
    });
  }
  return new Fault('MR-4012', {
    detail: `${path} cannot be opened: ${firstLine(text)}`,
    remedy: `Move ${path} and ${path}.wal aside, then run \`millrace resync <follower>\`: the file is built anew from the leader.`,
    cause: error,
  });
}
