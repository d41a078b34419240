import { systemClock } from '@millrace/runtime';
import { describe, expect, it } from 'vitest';
import { claimBytes, eventsOf, fenceOf, readPlaces } from '../conformance/events.js';
import type { AppendFate } from './faults.js';
import { MemoryLogServer } from './server.js';

const topic = 'shop.public.orders';

async function serverWith(fates: readonly AppendFate[]): Promise<MemoryLogServer> {
  const queue = [...fates];
  const server = new MemoryLogServer({ clock: systemClock, faults: { append: () => queue.shift() ?? {} } });
  await server.open().createTopic(topic, 2);
  return server;
}

const batch = (commit: bigint, partition = 0) => ({ topic, partition, records: eventsOf(commit, 1) });

describe('what a simulation can do to the memory log', () => {
  it('loses a response: the sender does not know, the record may be there or not', async () => {
    const server = await serverWith([{ lost: true }, { lost: true, applied: false }]);
    const log = server.open();
    const appender = log.appender(fenceOf(1));
    await expect(appender.append([batch(1n)])).rejects.toMatchObject({ code: 'MR-3013' });
    expect((await log.watermarks(topic, 0)).high).toBe(1n);
    await expect(appender.append([batch(2n)])).rejects.toMatchObject({ code: 'MR-3013' });
    expect((await log.watermarks(topic, 0)).high).toBe(1n);
  });

  it('applies a request again after its sender died, and voids nothing by itself', async () => {
    const server = await serverWith([{ applied: false, lost: true, again_ms: [5, 15] }]);
    const sender = server.open();
    const appending = sender.appender(fenceOf(1)).append([batch(1n)]);
    await expect(appending).rejects.toMatchObject({ code: 'MR-3013' });
    await sender.close();
    const log = server.open();
    await systemClock.sleep(40);
    expect(await readPlaces(log, { topic, partition: 0, first: 0n, last: 1n })).toEqual(['1.0', '1.0']);
  });

  it('succeeds on some partitions only, which the sender learns as uncertain', async () => {
    const server = await serverWith([{}, { applied: false }]);
    const log = server.open();
    const appending = log.appender(fenceOf(1)).append([batch(1n, 0), batch(1n, 1)]);
    await expect(appending).rejects.toMatchObject({ code: 'MR-3013' });
    expect((await log.watermarks(topic, 0)).high).toBe(1n);
    expect((await log.watermarks(topic, 1)).high).toBe(0n);
  });

  it('R11: never writes the record when an event was not acknowledged', async () => {
    const server = await serverWith([{ lost: true }]);
    const log = server.open();
    const publishing = log.appender(fenceOf(1)).publish([batch(1n)], () => Buffer.from('record'));
    await expect(publishing).rejects.toMatchObject({ code: 'MR-3013' });
    expect((await log.progress.watermarks()).high).toBe(0n);
  });

  it('R10: an acknowledgement below an earlier one means the topic was made anew', async () => {
    const server = await serverWith([]);
    const appender = server.open().appender(fenceOf(1));
    await appender.append([batch(1n)]);
    await appender.append([batch(2n)]);
    server.recreateTopic(topic);
    await expect(appender.append([batch(3n)])).rejects.toMatchObject({ code: 'MR-3005' });
  });

  it('stalls requests until let go', async () => {
    let go: () => void = () => {};
    const stall = new Promise<void>((resolve) => {
      go = resolve;
    });
    const server = new MemoryLogServer({ clock: systemClock, faults: { before: () => stall } });
    let done = false;
    const listing = server
      .open()
      .topics()
      .then(() => {
        done = true;
      });
    await systemClock.sleep(5);
    expect(done).toBe(false);
    go();
    await listing;
  });

  it('goes back to an older copy', async () => {
    const server = await serverWith([]);
    const log = server.open();
    await log.appender(fenceOf(1)).append([batch(1n)]);
    const image = server.image();
    await log.appender(fenceOf(1)).append([batch(2n)]);
    server.restore(image);
    expect((await log.watermarks(topic, 0)).high).toBe(1n);
  });

  it('fences when told to: a superseded claim changes nothing', async () => {
    const server = new MemoryLogServer({ clock: systemClock, conditional: true });
    const log = server.open();
    await log.createTopic(topic, 2);
    for (const epoch of [1, 2]) {
      const fence = fenceOf(epoch);
      await log.progress.appendClaim(claimBytes(log, fence), fence);
    }
    await expect(log.appender(fenceOf(1)).append([batch(1n)])).rejects.toMatchObject({ code: 'MR-2009' });
    expect((await log.watermarks(topic, 0)).high).toBe(0n);
  });
});
