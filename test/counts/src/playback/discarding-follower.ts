import type { Follower, FollowerTransaction, StoredPosition } from '@millrace/follower';

const id_bytes = 16;

/** A follower that keeps its position and forgets the rows. */
export class DiscardingFollower implements Follower {
  readonly capabilities = {
    kind: 'discarding',
    transactional: true,
    transactionalSchema: true,
    singleOwner: false,
  } as const;
  #row: (StoredPosition & { readonly owner: Uint8Array }) | undefined;

  async storeId(): Promise<Uint8Array> {
    return new Uint8Array(id_bytes).fill(1);
  }

  async register(initial: StoredPosition): Promise<void> {
    this.#row = { ...initial, owner: new Uint8Array(id_bytes) };
  }

  async takeOver(owner: Uint8Array): Promise<StoredPosition | undefined> {
    if (this.#row) this.#row = { ...this.#row, owner };
    return this.#row;
  }

  async position(): Promise<(StoredPosition & { readonly owner: Uint8Array }) | undefined> {
    return this.#row;
  }

  async tables(): Promise<readonly never[]> {
    return [];
  }

  async begin(_from: StoredPosition, to: StoredPosition): Promise<FollowerTransaction> {
    return {
      evolve: async () => {},
      forget: async () => {},
      write: async () => {},
      newRows: () => undefined,
      truncate: async () => {},
      deleteRange: async () => {},
      commit: async () => {
        if (this.#row) this.#row = { ...this.#row, ...to };
      },
      abort: async () => {},
    };
  }

  async *scan(): AsyncIterable<readonly never[]> {}

  async close(): Promise<void> {}
}
