import { type Lsn, lsnZero, maxLsn, type Position } from '@millrace/model';
import type { CaptureDecisions } from '../decisions.js';
import type { SourceSession } from '../source.js';
import type { Progress } from './progress.js';

/** Reports write, flush and apply to the leader, each only forward within a session (R2, R8, R9, §11). */
export class Confirmer {
  readonly #session: SourceSession;
  readonly #decisions: CaptureDecisions;
  readonly #progress: Progress;
  readonly #received: () => Lsn;
  #flush: Lsn = lsnZero;
  #followers: readonly Lsn[] = [];

  constructor(session: SourceSession, decisions: CaptureDecisions, progress: Progress, received: () => Lsn) {
    this.#session = session;
    this.#decisions = decisions;
    this.#progress = progress;
    this.#received = received;
  }

  /** R9: at OPEN, so that a crash between record and confirmation does not pin WAL on a quiet leader. */
  opened(resume: Position): void {
    const at = this.#decisions.confirmAtOpen(resume);
    if (at !== undefined) this.#advance(at);
  }

  /** A record was acknowledged, or read back. */
  moved(readBack: Position, acknowledged: Position): void {
    this.#advance(this.#decisions.flushed({ readBack, acknowledged }));
  }

  /** Where the named followers are. */
  followers(positions: readonly Lsn[]): void {
    this.#followers = positions;
    if (this.#flush > lsnZero) this.#send();
  }

  #advance(flush: Lsn): void {
    if (flush <= this.#flush) return;
    this.#flush = flush;
    this.#send();
  }

  #send(): void {
    const flush = this.#flush;
    const apply = maxLsn(this.#progress.applied, this.#decisions.applied(flush, this.#followers));
    this.#progress.confirmed = flush;
    this.#progress.applied = apply;
    // What is flushed was received, in an earlier session perhaps.
    this.#session.confirm({ write: maxLsn(this.#received(), flush), flush, apply });
  }
}
