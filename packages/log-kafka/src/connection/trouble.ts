/**
 * Something that passes by itself: a broker that is not there, a leader that moved. Never crosses the package's edge; whoever asked
 * tries again, visibly (promise 10).
 */
export class Trouble extends Error {
  /** True: bytes of the request went out, so that it may take effect (R12). False: it certainly does not. */
  readonly isSent: boolean;

  constructor(message: string, options: { readonly isSent?: boolean; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Trouble';
    this.isSent = options.isSent ?? false;
  }
}
