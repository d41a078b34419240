import { Fault } from '@millrace/runtime';

/** The promise's result, or MR-6003 when it does not settle in time; it is then left to itself. */
export async function bounded<T>(work: Promise<T>, timeout_ms: number, where: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  work.catch(() => undefined);
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Fault('MR-6003', { detail: `${where}: no answer within ${timeout_ms / 1_000} s` }));
    }, timeout_ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
