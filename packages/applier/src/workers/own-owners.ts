import { sameBytes } from '@millrace/follower';

/** As many takeovers as may fail one after the other before one is known to have happened. */
const kept_max = 64;

/**
 * The owners that this worker has put, or may have put, into the position row: of a takeover that failed nobody knows whether it
 * happened, and it must not look like somebody else's.
 */
export class OwnOwners {
  #owners: Uint8Array[] = [];

  add(owner: Uint8Array): void {
    this.#owners = [...this.#owners.slice(1 - kept_max), owner];
  }

  has(owner: Uint8Array): boolean {
    return this.#owners.some((own) => sameBytes(own, owner));
  }

  get none(): boolean {
    return this.#owners.length === 0;
  }

  /** The last one; only when there is one. */
  get any(): Uint8Array {
    return this.#owners.at(-1) as Uint8Array;
  }
}
