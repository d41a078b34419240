import { Fault } from '@millrace/runtime';

/** Where the chain's newest checkpoint stood at a time (wall clock, ms). For retention only: nothing's safety rests on the clock. */
export interface TrimMark {
  readonly at_ms: number;
  readonly offset: bigint;
}

/** So many marks span the time for which records are kept: what is trimmed is at most this part of it older. */
const marks_max = 16;

/** The offset of the newest mark that is `trimAfter_ms` old; undefined: none is. */
export function keptFrom(
  marks: readonly TrimMark[],
  now_ms: number,
  trimAfter_ms: number,
): bigint | undefined {
  return marks.filter(({ at_ms }) => at_ms <= now_ms - trimAfter_ms).at(-1)?.offset;
}

/**
 * Adds a mark when the last one is old enough, and drops those that a younger one of the same use replaces. Marks of the future, of a
 * clock that was put back, are forgotten: then less is trimmed. The same list when nothing changes.
 */
export function withMark(
  marks: readonly TrimMark[],
  mark: TrimMark,
  trimAfter_ms: number,
): readonly TrimMark[] {
  const past = marks.filter(({ at_ms, offset }) => at_ms <= mark.at_ms && offset <= mark.offset);
  const last = past.at(-1);
  const isDue = !last || mark.at_ms - last.at_ms >= trimAfter_ms / marks_max;
  if (!isDue && past.length === marks.length) return marks;
  const old = past.filter(({ at_ms }) => at_ms <= mark.at_ms - trimAfter_ms);
  return [...past.slice(Math.max(0, old.length - 1)), ...(isDue ? [mark] : [])];
}

interface MarksText {
  readonly logId: string;
  readonly marks: readonly { readonly at_ms: number; readonly offset: string }[];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export function encodeMarks(marks: readonly TrimMark[], logId: Uint8Array): Uint8Array {
  const text: MarksText = {
    logId: hex(logId),
    marks: marks.map(({ at_ms, offset }) => ({ at_ms, offset: String(offset) })),
  };
  return Buffer.from(JSON.stringify(text), 'utf8');
}

/** None when there are none, or when they were made with a log of another identity. MR-3012 for anything else. */
export function decodeMarks(bytes: Uint8Array | undefined, logId: Uint8Array): readonly TrimMark[] {
  if (!bytes) return [];
  try {
    const text = JSON.parse(Buffer.from(bytes).toString('utf8')) as MarksText;
    if (text.logId !== hex(logId)) return [];
    return text.marks.map(({ at_ms, offset }) => ({ at_ms, offset: BigInt(offset) }));
  } catch (cause) {
    throw new Fault('MR-3012', { detail: 'the notes on trimming in the log cannot be read', cause });
  }
}
