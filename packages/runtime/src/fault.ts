import { type FaultCode, type FaultEntry, faultCatalogue } from './fault-catalogue.js';

/** Facts about one occurrence: names, positions, counts. Never row values or secrets. */
export type FaultContext = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

export interface FaultOptions {
  /** One sentence: what happened, where, with the names and positions that matter. */
  readonly detail: string;
  readonly context?: FaultContext;
  readonly cause?: unknown;
  /** Replaces the catalogue's remedy when the occurrence knows a better one (an exact command, say). */
  readonly remedy?: string;
}

/**
 * The one error type that crosses a package boundary on purpose. What it means to an operator, what to do,
 * and whether trying again can help stand in the catalogue, keyed by its stable code (`MR-2013`).
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly detail: string;
  readonly context: FaultContext;
  readonly remedy: string;

  constructor(code: FaultCode, options: FaultOptions) {
    const entry = faultCatalogue[code];
    super(
      `${code} ${entry.name}: ${options.detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'Fault';
    this.code = code;
    this.detail = options.detail;
    this.context = options.context ?? {};
    this.remedy = options.remedy ?? entry.remedy;
  }

  get entry(): FaultEntry {
    return faultCatalogue[this.code];
  }
}

/** The fault inside `error`, or `undefined` when it is some other error. */
export function asFault(error: unknown): Fault | undefined {
  return error instanceof Fault ? error : undefined;
}

/** True when `error` is a fault with one of `codes`. */
export function isFault(error: unknown, ...codes: readonly FaultCode[]): error is Fault {
  return error instanceof Fault && (codes.length === 0 || codes.includes(error.code));
}

/** Wraps anything thrown into a fault: faults pass through, the rest becomes MR-9001 (our bug) with its cause. */
export function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Fault('MR-9001', { detail: message, cause: error });
}

/** States what must be true here. A broken assertion is our bug, stops the service and names the promise it guards. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Fault('MR-9001', { detail: `assertion failed: ${message}` });
}
