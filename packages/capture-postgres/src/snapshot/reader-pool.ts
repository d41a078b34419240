import { PgSession, quoteLiteral } from '@millrace/postgres';

/** Sessions that all see the database as one exported snapshot shows it. */
export class ReaderPool {
  readonly #url: string;
  readonly #applicationName: string;
  readonly #snapshotName: string;
  readonly #idle: PgSession[] = [];
  readonly #all = new Set<PgSession>();
  #closed = false;

  constructor(url: string, applicationName: string, snapshotName: string) {
    this.#url = url;
    this.#applicationName = applicationName;
    this.#snapshotName = snapshotName;
  }

  /** Runs `use` with a session of its own. One that broke, or whose work failed, is not used again. */
  async with<T>(use: (session: PgSession) => Promise<T>): Promise<T> {
    const session = this.#idle.pop() ?? (await this.#open());
    try {
      const result = await use(session);
      if (this.#closed) await this.#discard(session);
      else this.#idle.push(session);
      return result;
    } catch (error) {
      await this.#discard(session);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all].map((session) => this.#discard(session)));
  }

  async #open(): Promise<PgSession> {
    const session = await PgSession.open(this.#url, {
      role: 'leader',
      applicationName: this.#applicationName,
    });
    this.#all.add(session);
    try {
      await session.query(
        'importing the snapshot',
        `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT ${quoteLiteral(this.#snapshotName)}`,
      );
      return session;
    } catch (error) {
      await this.#discard(session);
      throw error;
    }
  }

  async #discard(session: PgSession): Promise<void> {
    this.#all.delete(session);
    await session.close();
  }
}
