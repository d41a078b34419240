import { type Lsn, lsnZero, maxLsn, minLsn, type Position } from '@millrace/model';
import type { CaptureDecisions } from '../decisions.js';
import type { SourceSession } from '../source.js';
import type { Progress } from './progress.js';

/** Reports write, flush and apply to the leader, each only forward within a session (R2, R8, R9, §11). */
export class Confirmer {
  readonly #session: SourceSession;
  readonly #decisions: CaptureDecisions;
  readonly #progress: Progress;
  readonly #received: () => Lsn;
  #isOpen = false;
  #flush: Lsn = lsnZero;
  #followers: readonly Lsn[] = [];

  constructor(session: SourceSession, decisions: CaptureDecisions, progress: Progress, received: () => Lsn) {
    this.#session = session;
    this.#decisions = decisions;
    this.#progress = progress;
    this.#received = received;
  }

  /**
   * R9: at OPEN, so that a crash between record and confirmation does not pin WAL on a quiet leader. Nothing is reported before: where
   * the chain stood may be beyond a fork, at places that this leader fills with other commits.
   */
  opened(resume: Position): void {
    this.#isOpen = true;
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
    if (!this.#isOpen || flush <= this.#flush) return;
    this.#flush = flush;
    this.#send();
  }

  #send(): void {
    const flush = this.#flush;
    const applied = maxLsn(this.#progress.applied, this.#decisions.applied(flush, this.#followers));
    // §11: never ahead of flush, wherever followers came to in an earlier session.
    const apply = minLsn(applied, flush);
    this.#progress.confirmed = flush;
    this.#progress.applied = apply;
    // What is flushed was received, in an earlier session perhaps.
    this.#session.confirm({ write: maxLsn(this.#received(), flush), flush, apply });
  }
}
