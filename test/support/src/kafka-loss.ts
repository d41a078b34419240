import { type ApiName, apiKeys, FrameAssembler, requestHead, responseCorrelationId } from './kafka-frames.js';
import type { ByteFilter } from './proxy-lane.js';

/** Which message gets lost, and what becomes of its connection. */
export interface LossRule {
  /** `response`: the broker carried it out, nobody learns of it. `request`: the broker never saw it. */
  readonly what: 'response' | 'request';
  /** Default `produce`. */
  readonly api?: ApiName;
  /** The how manyth such request from now on, over all connections of the proxy. Default 1: the next. */
  readonly nth?: number;
  /** Counts only requests that hold these bytes: a topic's name, say. */
  readonly holding?: string;
  /** `cut`: it ends behind what came before. `stays`: it goes on, and the answer never comes. Default `cut`. */
  readonly connection?: 'cut' | 'stays';
}

/** A rule under way. */
export class Loss {
  readonly rule: LossRule;
  /** Resolves when the message is lost. */
  readonly happened: Promise<void>;
  #left: number;
  #tell: () => void = () => undefined;

  constructor(rule: LossRule) {
    this.rule = rule;
    this.#left = rule.nth ?? 1;
    this.happened = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  /** True when `frame` is the request that the rule means. Counts. */
  meets(frame: Buffer): boolean {
    const { api = 'produce', holding } = this.rule;
    if (this.#left === 0 || requestHead(frame).apiKey !== apiKeys[api]) return false;
    if (holding !== undefined && !frame.includes(holding)) return false;
    this.#left -= 1;
    return this.#left === 0;
  }

  tell(): void {
    this.#tell();
  }
}

/** What both directions of one connection share: the requests whose responses will be lost. */
export class ConnectionLosses {
  readonly #losses: ReadonlySet<Loss>;
  readonly #doomed = new Map<number, Loss>();
  #over = false;

  /** `losses` are those of the proxy, to which tests add. */
  constructor(losses: ReadonlySet<Loss>) {
    this.#losses = losses;
  }

  readonly toServer: ByteFilter = this.#filter((frame) => {
    const loss = [...this.#losses].find((each) => each.meets(frame));
    if (loss === undefined) return true;
    if (loss.rule.what === 'request') return this.#lose(loss);
    this.#doomed.set(requestHead(frame).correlationId, loss);
    return true;
  });

  readonly toClient: ByteFilter = this.#filter((frame) => {
    const loss = this.#doomed.get(responseCorrelationId(frame));
    if (loss === undefined) return true;
    this.#doomed.delete(responseCorrelationId(frame));
    return this.#lose(loss);
  });

  #lose(loss: Loss): false {
    if (loss.rule.connection !== 'stays') this.#over = true;
    loss.tell();
    return false;
  }

  /** Passes on the whole messages that `passes` says true of, up to the end of the connection. */
  #filter(passes: (frame: Buffer) => boolean): ByteFilter {
    const assembler = new FrameAssembler();
    return (chunk) => {
      const passed: Buffer[] = [];
      for (const frame of assembler.take(chunk)) {
        if (this.#over) break;
        if (passes(frame)) passed.push(frame);
      }
      return { bytes: Buffer.concat(passed), cut: this.#over };
    };
  }
}
