import { Fault } from '@millrace/runtime';

export interface BoundedOptions {
  readonly timeout_ms: number;
  /** Who should answer. */
  readonly where: string;
  readonly signal: AbortSignal;
}

/** The promise's result, or MR-6003 when it does not settle in time or before `signal` aborts; it is then left to itself. */
export async function bounded<T>(
  work: Promise<T>,
  { timeout_ms, where, signal }: BoundedOptions,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  work.catch(() => undefined);
  let onAbort = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = (why: string): void => reject(new Fault('MR-6003', { detail: `${where}: ${why}` }));
    onAbort = () => giveUp('closed before it answered');
    timer = setTimeout(() => giveUp(`no answer within ${timeout_ms / 1_000} s`), timeout_ms);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
