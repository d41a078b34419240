/** Somebody pressed Ctrl-C. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
  }
}

/** `work`'s outcome, or Interrupted as soon as `signal` is aborted; `work` itself goes on until it is cleaned up. */
export async function untilInterrupted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (signal.aborted) throw new Interrupted();
  let interrupt: (() => void) | undefined;
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => reject(new Interrupted());
    signal.addEventListener('abort', interrupt, { once: true });
  });
  try {
    return await Promise.race([work(), interrupted]);
  } finally {
    if (interrupt) signal.removeEventListener('abort', interrupt);
  }
}
