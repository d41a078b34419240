import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Observer } from './observer.js';

const never = new AbortController().signal;

describe('an observer', () => {
  it('measures from the acknowledgement to the first answer that shows the commit', async () => {
    let shown = -1;
    const observer = new Observer({
      pause_ms: 0,
      highest: async () => {
        await sleep(1);
        return shown;
      },
    });
    const watching = observer.run(never);
    observer.committed(0);
    await sleep(30);
    shown = 0;
    observer.end();
    const latency_ms = (await watching).get(0) ?? 0;
    expect(latency_ms).toBeGreaterThanOrEqual(29);
  });

  it('takes one look for all commits that it shows', async () => {
    let looks = 0;
    const observer = new Observer({
      pause_ms: 1,
      highest: async () => {
        looks += 1;
        return 2;
      },
    });
    for (const number of [0, 1, 2]) observer.committed(number);
    observer.end();
    expect([...(await observer.run(never)).keys()]).toEqual([0, 1, 2]);
    expect(looks).toBe(1);
  });

  it('does not look while nothing is awaited', async () => {
    let looks = 0;
    const observer = new Observer({
      pause_ms: 0,
      highest: async () => {
        looks += 1;
        return -1;
      },
    });
    const stop = new AbortController();
    const watching = observer.run(stop.signal);
    await sleep(20);
    expect(looks).toBe(0);
    stop.abort();
    await watching;
  });

  it('tells what never became visible when it is stopped', async () => {
    const observer = new Observer({ pause_ms: 1, highest: async () => -1 });
    const stop = new AbortController();
    const watching = observer.run(stop.signal);
    observer.committed(5);
    await sleep(10);
    stop.abort();
    expect((await watching).size).toBe(0);
    expect(observer.waiting).toBe(1);
  });
});
