import { MemoryFollowerStore, type MemoryState } from '@millrace/follower';

type Session = Parameters<MemoryFollowerStore['lock']>[0];

/** A store that tells of each committed state, and of whoever writes without owning it. */
export class ObservedStore extends MemoryFollowerStore {
  onCommit: (state: MemoryState) => void = () => {};
  onIntruder: (detail: string) => void = () => {};
  readonly #sessions = new WeakMap<Session, string>();
  /** Process of the last takeover; undefined when a restore brought an older one back. */
  #owner: string | undefined;

  /** The same store as one process reaches it, so that its sessions are known by name. */
  seenBy(process: string): MemoryFollowerStore {
    return new Proxy<MemoryFollowerStore>(this, {
      get: (_, property) => {
        if (property === 'lock')
          return (session: Session) => {
            this.#sessions.set(session, process);
            return this.lock(session);
          };
        const value: unknown = Reflect.get(this, property, this);
        return typeof value === 'function' ? value.bind(this) : value;
      },
    });
  }

  override commit(session: Session, state: MemoryState): boolean {
    const before = this.state.row;
    const committed = super.commit(session, state);
    if (!committed) return false;
    const { row } = state;
    const process = this.#sessions.get(session);
    if (row && before && row.owner !== before.owner) this.#owner = process;
    // I5: a superseded applier changes nothing.
    else if (row?.anchor !== before?.anchor && this.#owner !== undefined && process !== this.#owner)
      this.onIntruder(`${process} wrote although ${this.#owner} had taken over`);
    this.onCommit(this.state);
    return true;
  }

  override restore(copy: MemoryState): void {
    this.#owner = undefined;
    super.restore(copy);
  }
}
