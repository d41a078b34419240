import { PgSession } from '@millrace/postgres';
import { Fault } from '@millrace/runtime';

/** The session for questions beside the stream: opened when needed, and again after it broke. */
export class ControlConnection {
  readonly #url: string;
  readonly #applicationName: string;
  #opening: Promise<PgSession> | undefined;
  #closed = false;

  constructor(url: string, applicationName: string) {
    this.#url = url;
    this.#applicationName = applicationName;
  }

  async session(): Promise<PgSession> {
    if (this.#closed) throw new Fault('MR-2012', { detail: 'the session with the leader is closed' });
    const present = await this.#opening?.catch(() => undefined);
    if (present?.usable) return present;
    this.#opening = PgSession.open(this.#url, {
      role: 'leader',
      applicationName: this.#applicationName,
      // R16: making the publication must not wait for synchronous standbys; we may be one of them.
      settings: [['synchronous_commit', 'local']],
    });
    return this.#opening;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const present = await this.#opening?.catch(() => undefined);
    await present?.close();
  }
}
