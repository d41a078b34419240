import { ConnectionLosses, Loss, type LossRule } from './kafka-loss.js';
import { TcpProxy } from './tcp-proxy.js';

/** Nobody listens there: connections are refused. */
const nowhere = { host: '127.0.0.1', port: 1 };

/**
 * A proxy before one Kafka node that knows the messages it carries: all that `TcpProxy` does to a connection, and the
 * loss of one chosen request or response. Connections are to be plain: under TLS messages cannot be told apart.
 */
export class KafkaProxy extends TcpProxy {
  readonly #losses = new Set<Loss>();

  protected constructor() {
    super(nowhere, () => new ConnectionLosses(this.#losses));
  }

  /** Starts a proxy that gets its `target` later: a broker is told the proxy's port before it has one itself. */
  static async startEarly(): Promise<KafkaProxy> {
    const proxy = new KafkaProxy();
    await proxy.listen();
    return proxy;
  }

  /** Loses one message, by `rule`. Resolves when that has happened; rules made before stay in force. */
  async lose(rule: LossRule): Promise<void> {
    const loss = new Loss(rule);
    this.#losses.add(loss);
    await loss.happened;
    this.#losses.delete(loss);
  }

  /** Forgets all rules whose message has not come. Their promises never resolve. */
  loseNothing(): void {
    this.#losses.clear();
  }
}
