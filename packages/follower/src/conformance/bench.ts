import { afterEach, beforeEach } from 'vitest';
import type { Follower } from '../port.js';
import type { FollowerHarness, MakeFollowerHarness } from './driver.js';

/** One fresh store per test, its handles closed and the store destroyed afterwards. */
export interface Bench {
  open(): Promise<Follower>;
  close(follower: Follower): Promise<void>;
  /** Closes these with the test, before the handles they came from. */
  closeLater(...partitions: readonly { close(): Promise<void> }[]): void;
  /** Closes every other handle. */
  closeAllBut(follower: Follower): Promise<void>;
  /** Values of a type of the suite that this store refuses. */
  refused(type: string): readonly string[];
}

export function benchPerTest(makeHarness: MakeFollowerHarness): Bench {
  let harness: FollowerHarness | undefined;
  let handles: Follower[] = [];
  const parts: { close(): Promise<void> }[] = [];
  beforeEach(async () => {
    harness = await makeHarness();
  });
  afterEach(async () => {
    for (const part of parts.splice(0)) await part.close();
    for (const handle of handles) await handle.close();
    handles = [];
    await harness?.destroy();
    harness = undefined;
  });
  return {
    async open() {
      if (!harness) throw new Error('the bench is open during a test only');
      const handle = await harness.open();
      handles.push(handle);
      return handle;
    },
    async closeAllBut(follower) {
      for (const handle of handles) if (handle !== follower) await handle.close();
      handles = [follower];
    },
    closeLater: (...partitions) => void parts.push(...partitions),
    refused: (type) => harness?.refused?.[type] ?? [],
    async close(follower) {
      handles = handles.filter((handle) => handle !== follower);
      await follower.close();
    },
  };
}
