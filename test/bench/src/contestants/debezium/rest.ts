/** A connector's or the worker's settings, as in their properties files. */
export type ConnectSettings = Readonly<Record<string, string>>;

const answer_ms_max = 30_000;

interface State {
  readonly state: string;
  readonly trace?: string;
}
interface ConnectorStatus {
  readonly connector: State;
  readonly tasks: readonly State[];
}

/** The REST interface of one Connect worker. */
export class ConnectRest {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Whether the worker answers. */
  async isUp(): Promise<boolean> {
    return (await this.#ask('GET', '/').catch(() => undefined))?.ok === true;
  }

  /** Has the worker start a connector; its task may not run yet. */
  async create(name: string, settings: ConnectSettings): Promise<void> {
    const answer = await this.#ask('PUT', `/connectors/${name}/config`, settings);
    if (!answer.ok) throw new Error(`Connect refused connector ${name}: ${await answer.text()}`);
  }

  /** Whether the connector and its task run. Throws with the stack trace when one has failed. */
  async isRunning(name: string): Promise<boolean> {
    const answer = await this.#ask('GET', `/connectors/${name}/status`);
    if (!answer.ok) return false; // not known yet
    const { connector, tasks } = (await answer.json()) as ConnectorStatus;
    const failed = [connector, ...tasks].find(({ state }) => state === 'FAILED');
    if (failed) throw new Error(`connector ${name} failed: ${failed.trace ?? 'no trace'}`);
    return (
      connector.state === 'RUNNING' && tasks.length > 0 && tasks.every(({ state }) => state === 'RUNNING')
    );
  }

  #ask(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.#url}${path}`, {
      method,
      signal: AbortSignal.timeout(answer_ms_max),
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
  }
}
