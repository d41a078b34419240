import type { Log } from '@millrace/log';
import { Fault } from '@millrace/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { Bench, until } from '../memory/capture-bench.sample.js';

let bench: Bench;
afterEach(async () => {
  await bench.end();
});

/** A bench whose log holds events, and no capture any more. */
async function written(): Promise<void> {
  bench = new Bench();
  const capture = bench.start();
  await until(() => capture.status().state.name === 'stream');
  bench.put([1, 'one', null]);
  await bench.replicated();
  await bench.stop();
}

/** The log through a handle with one method replaced. */
const logWith = (replaced: Partial<Log>): Log => Object.assign(bench.server.open(), replaced);

describe('a topic that the list of topics lacks', () => {
  it('is asked for by name before it counts as gone: a broker that has just started may not know it yet', async () => {
    await written();
    const capture = bench.start({ log: logWith({ topics: async () => [] }) });
    await until(() => capture.status().state.name === 'stream');
    bench.put([2, 'two', null]);
    await bench.replicated();
  });

  it('and that is not there by name is MR-3005', async () => {
    await written();
    const gone = async (): Promise<never> => {
      throw new Fault('MR-3005', { detail: 'there is no such topic' });
    };
    bench.start({ log: logWith({ topics: async () => [], watermarks: gone }) });
    expect(await bench.running.at(-1)?.done).toMatchObject({
      code: 'MR-3005',
      message: expect.stringContaining('records cover it'),
    });
  });
});
