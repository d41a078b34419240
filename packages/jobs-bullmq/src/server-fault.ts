import { Fault, type FaultCode } from '@millrace/runtime';

/** What the server said, as the fault it means. `where`: its address, without credentials. */
export function serverFault(error: unknown, where: string): Fault {
  if (error instanceof Fault) return error;
  const cause = deepest(error);
  const code = codeOf(cause);
  return new Fault(code, { detail: `${where}: ${said(cause)}`, cause: error });
}

/** Connection attempts to several addresses fail together: the first says enough. */
function deepest(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return deepest(error.errors[0]);
  return error;
}

function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const text = error.message || code || error.name;
  return text.replace(/\s+/g, ' ').trim();
}

const refusals = /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/;
const unfit =
  /Redis version needs|^READONLY|^ERR unknown command|requires server version|requires BullMQ major/;
/** SQLSTATE: invalid authorization, insufficient privilege. */
const refusedStates = /^(28...|42501)$/;
/** SQLSTATE: read-only transaction, no such database. */
const unfitStates = /^(25006|3D000)$/;

function codeOf(error: unknown): FaultCode {
  if (!(error instanceof Error)) return 'MR-6003';
  const state = String((error as NodeJS.ErrnoException).code ?? '');
  if (refusals.test(error.message) || refusedStates.test(state)) return 'MR-6004';
  if (unfit.test(error.message) || unfitStates.test(state)) return 'MR-6008';
  return 'MR-6003';
}
