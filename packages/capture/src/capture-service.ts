import { ChainReader, FollowerReports, sameBytes } from '@millrace/log';
import { backoff_ms, defaultBackoff, Fault, type Service, toFault } from '@millrace/runtime';
import { ChainFacts } from './chain/chain-facts.js';
import { Progress } from './chain/progress.js';
import { captureDecisions } from './decisions.js';
import { chainStart, claimEpoch } from './epoch/claim.js';
import { Epoch } from './epoch/epoch.js';
import { type CaptureOptions, type CaptureSettings, defaultLimits, defaultPolicies } from './options.js';
import type { SourceSession } from './source.js';
import { type CaptureState, enter } from './state.js';
import type { CaptureStatus } from './status.js';

export interface Capture extends Service {
  status(): CaptureStatus;
}

/**
 * The capture of one pipeline: leader to log (log-protocol §4). `run` resolves when `signal` aborts, and rejects with the fault
 * that needs an operator (policy `stop`) or says that another capture took over (MR-2009). Lost connections, uncertain appends
 * and unavailable servers are waited for, visibly, and end in a new claim (R12).
 */
export function createCapture(options: CaptureOptions): Capture {
  return new CaptureService({
    ...options,
    policies: { ...defaultPolicies, ...options.policies },
    limits: { ...defaultLimits, ...options.limits },
    decisions: options.decisions ?? captureDecisions,
  });
}

class CaptureService implements Capture {
  readonly #settings: CaptureSettings;
  readonly #progress: Progress;
  #state: CaptureState = { name: 'wait', reason: 'not started' };
  /** The newest epoch that was ours; 0 before the first. */
  #ours = 0;
  /** Of the newest claim that we tried: it may count without our having read it back. */
  #claimed: Uint8Array | undefined;

  constructor(settings: CaptureSettings) {
    this.#settings = settings;
    this.#progress = new Progress(settings.surroundings.clock);
  }

  status(): CaptureStatus {
    const status = this.#progress.status();
    // What the log waits for inside one of its calls, it says itself.
    return { state: this.#state, ...status, waiting: status.waiting ?? this.#settings.log.waiting() };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#settings.surroundings;
    let attempt = 0;
    while (!signal.aborted) {
      const streamedFrom = this.#progress.records;
      try {
        await this.#epoch(signal);
      } catch (error) {
        if (signal.aborted) break;
        const fault = toFault(error);
        const { policy } = fault.entry;
        if (policy === 'stop' || policy === 'exit') return this.#end(fault);
        logger.warn({ err: fault, code: fault.code }, 'capture starts over');
        // Having moved on since the last failure, the next one is a new trouble.
        attempt = this.#progress.records > streamedFrom + 1 ? 0 : attempt + 1;
        this.#enter({ name: 'wait', reason: fault.message });
        await clock.sleep(backoff_ms(defaultBackoff, attempt, random()), signal);
      }
    }
    this.#enter({ name: 'stopped' });
  }

  /** One epoch: from owning the slot to losing the connection (R12). */
  async #epoch(signal: AbortSignal): Promise<void> {
    const { source, log } = this.#settings;
    await this.#checkSuccessor();
    this.#enter({ name: 'wait', reason: 'for the replication slot' });
    const session = await source.acquire({
      signal,
      onWait: (reason) => {
        this.#progress.waiting = reason;
        this.#enter({ name: 'wait', reason });
      },
    });
    this.#progress.waiting = undefined;
    try {
      const facts = new ChainFacts();
      const reports = new FollowerReports(log);
      const reader = new ChainReader(log, await chainStart(log, reports, facts));
      const claim = await claimEpoch(
        this.#settings,
        reader,
        facts,
        (state) => this.#enter(state),
        (nonce) => {
          this.#claimed = nonce;
        },
        signal,
      );
      this.#ours = claim.epoch;
      this.#progress.epoch = claim.epoch;
      const epoch = new Epoch({
        settings: this.#settings,
        session,
        facts,
        reports,
        reader,
        claim,
        progress: this.#progress,
        enter: (state) => this.#enter(state),
      });
      await epoch.run(signal);
    } finally {
      this.#progress.waiting = undefined;
      await closeQuietly(session, this.#settings);
    }
  }

  /** A capture that was paused past its takeover has lost its connection too: it ends as fenced, and does not queue up behind its successor. */
  async #checkSuccessor(): Promise<void> {
    if (this.#ours === 0) return;
    const { log } = this.#settings;
    const reader = new ChainReader(log, await chainStart(log, new FollowerReports(log), new ChainFacts()));
    await reader.readToHead();
    const { epoch, nonce } = reader.state;
    const isOurs = this.#claimed !== undefined && sameBytes(nonce, this.#claimed);
    if (epoch > this.#ours && !isOurs)
      throw new Fault('MR-2009', {
        detail: `epoch ${epoch} was claimed by another capture, ours was ${this.#ours}`,
        context: { epoch, ours: this.#ours },
      });
  }

  #end(fault: Fault): never {
    const fenced = fault.code === 'MR-2009';
    this.#enter(fenced ? { name: 'fenced', fault } : { name: 'stopped', fault });
    this.#settings.surroundings.logger.error({ err: fault, code: fault.code }, 'capture ends');
    throw fault;
  }

  #enter(state: CaptureState): void {
    this.#state = enter(this.#state, state);
    this.#settings.surroundings.logger.debug({ state: state.name }, 'capture state');
  }
}

/** A session that cannot be closed is broken already: its server ends it, and `acquire` waits for that. */
async function closeQuietly(session: SourceSession, { surroundings }: CaptureSettings): Promise<void> {
  try {
    await session.close();
  } catch (error) {
    surroundings.logger.warn({ err: error }, 'the session did not close cleanly');
  }
}
