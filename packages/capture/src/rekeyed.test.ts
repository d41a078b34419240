import { afterEach, describe, expect, it } from 'vitest';
import { Bench, orders, until } from './memory/capture-bench.sample.js';
import { testRelation } from './memory/shop.js';
import type { MemoryTransaction } from './memory/transaction.js';
import type { CapturePolicies } from './options.js';

const rows = 6;
const rekeyed = testRelation(orders, 'orders', { key: [0, 1] });
const keyless = testRelation(orders, 'orders', { key: [], identity: 'full' });

let bench: Bench;
afterEach(async () => {
  await bench.end();
});

async function streaming(policy: CapturePolicies['onSchemaUncertain'], part_bytes = 4096): Promise<void> {
  bench = new Bench();
  for (let i = 0; i < rows; i++) bench.put([i, `n${i}`, null]);
  const capture = bench.start({ policies: { onSchemaUncertain: policy }, limits: { part_bytes } });
  await until(() => capture.status().state.name === 'stream');
}

/** Every row's name becomes another. */
function updateAll(transaction: MemoryTransaction): void {
  for (let i = 0; i < rows; i++)
    transaction.update(orders, [String(i), `n${i}`, null], [String(i), `m${i}`, null]);
}

describe('a key that changes in a transaction', () => {
  it('that had written to the table before is uncertain (R38): MR-2010', async () => {
    await streaming('stop');
    const transaction = bench.leader.begin();
    updateAll(transaction);
    transaction.alter(rekeyed);
    transaction.insert(orders, ['9', 'new', null]);
    transaction.commit();
    expect(await bench.running[0]?.done).toMatchObject({
      code: 'MR-2010',
      detail: expect.stringContaining('its key changed in a transaction that had written to the table'),
    });
  });

  it.each([
    ['with its rows in one part', 4096],
    ['with its first rows in parts that went ahead', 100],
  ])('is repaired where the policy allows it, %s', async (_, part_bytes) => {
    await streaming('repair', part_bytes);
    const transaction = bench.leader.begin();
    updateAll(transaction);
    transaction.alter(rekeyed);
    transaction.insert(orders, ['9', 'new', null]);
    transaction.commit();
    const replica = await bench.replicated();
    expect(replica.rows(orders)).toHaveLength(rows + 1);
  });

  it('is repaired, too, when the table loses its key', async () => {
    await streaming('repair');
    const transaction = bench.leader.begin();
    updateAll(transaction);
    transaction.delete(orders, ['3', 'm3', null]);
    transaction.alter(keyless);
    transaction.insert(orders, ['9', 'new', null]);
    transaction.commit();
    const replica = await bench.replicated();
    expect(replica.rows(orders)).toHaveLength(rows);
  });

  it.each([
    ['that writes only afterwards', (_: MemoryTransaction) => {}],
    [
      'that wrote to another table before',
      (transaction: MemoryTransaction) => void transaction.insert(2, ['7', 'line', null]),
    ],
  ])('%s is certain', async (_, before) => {
    await streaming('stop');
    bench.put([8, 'before', null]);
    const transaction = bench.leader.begin();
    before(transaction);
    transaction.alter(rekeyed);
    transaction.insert(orders, ['9', 'new', null]);
    transaction.commit();
    const replica = await bench.replicated();
    expect(replica.rows(orders)).toHaveLength(rows + 2);
    expect(replica.records.some(({ record }) => record.kind === 'schema' && record.repair)).toBe(false);
  });

  it('that made the table is certain: it is read anyway', async () => {
    await streaming('stop');
    const made = 3;
    bench.leader.createTable(testRelation(made, 'made', { key: [], identity: 'full' }));
    const transaction = bench.leader.begin();
    transaction.insert(made, ['1', 'one', null]);
    transaction.alter(testRelation(made, 'made'));
    transaction.insert(made, ['2', 'two', null]);
    transaction.commit();
    const replica = await bench.replicated();
    expect(replica.rows(made)).toHaveLength(2);
  });
});
