import { MemoryLogServer } from '@millrace/log';
import { systemClock } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { MembershipWatch, membershipTable } from './membership-watch.js';

const inForce = [{ id: 1 }, { id: 2 }, { id: 40 }];

/** Looks of one capture, or of several in turn. */
function looks() {
  const log = new MemoryLogServer({ clock: systemClock }).open();
  let watch = new MembershipWatch(log.table(membershipTable));
  return {
    async look(...now: [number, string][]): Promise<number[]> {
      const found = await watch.returned(inForce, new Map(now));
      await watch.note(new Map(now));
      return found.map(({ id }) => id);
    },
    restart: () => {
      watch = new MembershipWatch(log.table(membershipTable));
    },
    watch: () => watch,
  };
}

it.each([false, true])('finds a table that left and came back, once (capture was down: %s)', async (down) => {
  const { look, restart } = looks();
  expect(await look([1, '10'], [2, '20'])).toEqual([]);
  if (down) restart();
  expect(await look([1, '11'], [2, '20'])).toEqual([1]);
  if (down) restart();
  expect(await look([1, '11'], [2, '20'])).toEqual([]);
});

it('finds one that was away for several looks, and keeps the others of its row', async () => {
  const { look, restart } = looks();
  await look([1, '10'], [2, '20'], [40, '400']);
  expect(await look([2, '20'])).toEqual([]);
  restart();
  expect(await look([2, '20'], [40, '400'])).toEqual([]);
  expect(await look([1, '12'], [2, '20'], [40, '401'])).toEqual([1, 40]);
});

it('leaves tables alone that it sees for the first time, or that no shape is of', async () => {
  const { look } = looks();
  expect(await look([1, '10'])).toEqual([]);
  expect(await look([1, '10'], [2, '20'], [3, '30'])).toEqual([]);
  expect(await look([1, '10'], [2, '20'], [3, '31'])).toEqual([]);
});

it('finds it again when it was not noted', async () => {
  const { look, watch, restart } = looks();
  await look([1, '10']);
  const now = new Map([[1, '11']]);
  expect(await watch().returned(inForce, now)).toEqual([{ id: 1 }]);
  restart();
  expect(await watch().returned(inForce, now)).toEqual([{ id: 1 }]);
});
