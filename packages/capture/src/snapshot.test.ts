import { systemClock } from '@millrace/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { captureDecisions } from './decisions.js';
import { Bench, large, lines, orders, until } from './memory/capture-bench.sample.js';
import { moodType, testColumn, testRelation } from './memory/shop.js';
import type { MemoryTransaction } from './memory/transaction.js';
import { isSingleKey, wholeTable } from './snapshot/states.js';

let bench: Bench;
afterEach(async () => {
  await bench.end();
});

const note = (round: number): string => `${large}-${round}`;

function seeded(rows: number): Bench {
  const fresh = new Bench();
  for (let i = 0; i < rows; i++) fresh.put([i, `n${i}`, note(i)]);
  const transaction = fresh.leader.begin();
  for (let i = 0; i < 20; i++) transaction.insert(lines, [String(i % 7), 'line', large]);
  transaction.commit();
  return fresh;
}

/** A little of everything, on random keys. */
function disturb({ leader }: Bench, keys: number): void {
  const transaction: MemoryTransaction = leader.begin();
  for (let i = 0; i < 4; i++) {
    const key = String(Math.floor(Math.random() * keys));
    const other = String(Math.floor(Math.random() * keys * 2));
    const row = leader.table(orders).get([key]);
    const dice = Math.random();
    if (!row) transaction.insert(orders, [key, 'new', note(Math.random())]);
    else if (dice < 0.2) transaction.delete(orders, row);
    else if (dice < 0.5) transaction.update(orders, row, [other, 'moved', row[2]]);
    else transaction.update(orders, row, [key, `u${Math.random()}`, row[2]]);
    const line = leader.rows(lines)[Math.floor(Math.random() * 10)];
    if (line && dice < 0.3) transaction.update(lines, line, [line[0], String(dice), line[2]]);
    if (line && dice > 0.9) transaction.delete(lines, line);
    if (dice < 0.1) transaction.insert(lines, ['9', 'again', large]);
  }
  transaction.commit({ hidden: Math.random() < 0.2 });
  if (Math.random() < 0.5) for (const xid of leader.hiddenXids) leader.reveal(xid);
}

describe('the initial snapshot', () => {
  it('holds every row as of the consistent point, in parallel chunks, and the stream goes on from there', async () => {
    bench = seeded(100);
    const capture = bench.start({ limits: { chunk_rows: 9, snapshotReaders: 3 } });
    await until(() => capture.status().state.name === 'stream');
    bench.put([1_000, 'later', null]);
    const replica = await bench.replicated();
    expect(replica.rows(orders)).toHaveLength(101);
    const done = replica.records.filter(({ record }) => record.kind === 'progress' && record.snapshotDone);
    expect(done).toHaveLength(1);
  });

  it('is continued in windows by a successor, without reading finished chunks again', async () => {
    bench = seeded(60);
    bench.source = { keepalive_ms: 5, latency_ms: () => 1 };
    const first = bench.start({ limits: { chunk_rows: 5, snapshotReaders: 1 } });
    await until(() => (first.status().snapshot?.rowsDone ?? 0) > 20);
    await bench.stop();
    for (let i = 0; i < 30; i++) disturb(bench, 60);
    for (const xid of bench.leader.hiddenXids) bench.leader.reveal(xid);
    bench.start({ limits: { chunk_rows: 5 } });
    const replica = await bench.replicated();
    const chunks = replica.records.flatMap(({ record }) =>
      record.kind === 'progress' && record.chunk ? [record.chunk] : [],
    );
    expect(chunks.some(({ window }) => window === undefined)).toBe(true);
    expect(chunks.some(({ window }) => window !== undefined)).toBe(true);
    const initial = chunks.filter(({ window }) => window === undefined).map(({ cursor }) => cursor?.join());
    // Rows that moved to another key are read once more, one by one: ranges of a single key.
    const windowed = chunks
      .filter(({ window }) => window !== undefined && window.after?.join() !== window.upTo?.join())
      .map(({ cursor }) => cursor?.join());
    expect(initial.filter((cursor) => windowed.includes(cursor))).toEqual([]);
  });

  it('counts rows and knows how many are left', async () => {
    bench = seeded(50);
    bench.source = { keepalive_ms: 5, latency_ms: () => 1 };
    const capture = bench.start({ limits: { chunk_rows: 10 } });
    await until(() => (capture.status().snapshot?.rowsDone ?? 0) > 10);
    const progress = capture.status().snapshot;
    expect(progress).toMatchObject({ id: 1, kind: 'initial', rowsEstimated: 70 });
    expect(progress?.rowsPerSecond).toBeGreaterThan(0);
    expect(progress?.eta_ms).toBeGreaterThan(0);
  });
});

describe('a windowed snapshot', () => {
  it('of a slot that was there before the log has an open brings every row', async () => {
    bench = seeded(40);
    bench.leader.ensureSlot();
    const capture = bench.start({ limits: { chunk_rows: 7 } });
    await until(() => capture.status().state.name === 'stream');
    for (let i = 0; i < 50; i++) {
      disturb(bench, 40);
      await systemClock.sleep(1);
    }
    for (const xid of bench.leader.hiddenXids) bench.leader.reveal(xid);
    await bench.replicated();
  });

  it.each(Array.from({ length: 12 }, (_, i) => i))(
    'under writes in every stage of its windows, late visibility and broken connections is exact (%i)',
    async () => {
      bench = seeded(30);
      let quiet = false;
      bench.source = {
        keepalive_ms: 5,
        latency_ms: () => (Math.random() < 0.2 ? 1 : 0),
        onWindow: () => {
          if (quiet) return;
          for (let i = 0; i < 3; i++) disturb(bench, 30);
          if (Math.random() < 0.02) bench.leader.cutConnection('test');
        },
      };
      bench.leader.ensureSlot();
      bench.start({ limits: { chunk_rows: 6, part_bytes: 500 } });
      const settle = setInterval(() => {
        for (const xid of bench.leader.hiddenXids) bench.leader.reveal(xid);
      }, 3);
      try {
        await until(() => bench.running[0]?.capture.status().snapshot !== undefined);
        await until(() => bench.running[0]?.capture.status().snapshot === undefined, 10_000);
      } finally {
        clearInterval(settle);
      }
      for (const xid of bench.leader.hiddenXids) bench.leader.reveal(xid);
      quiet = true;
      await bench.replicated();
    },
    20_000,
  );

  it('discards a chunk when a commit before its window was not visible to the read (R36)', async () => {
    bench = seeded(5);
    bench.leader.ensureSlot();
    let rounds = 0;
    bench.source = {
      keepalive_ms: 5,
      onWindow: (stage) => {
        if (stage !== 'before-low' || rounds++ > 0) return;
        const transaction = bench.leader.begin();
        transaction.update(orders, ['3', null, null], ['3', 'unseen', note(3)]);
        const commit = transaction.commit({ hidden: true });
        setTimeout(() => commit && bench.leader.reveal(commit.xid), 30);
      },
    };
    const capture = bench.start();
    await until(
      () => capture.status().snapshot !== undefined && (capture.status().snapshot?.discarded ?? 0) > 0,
    );
    const replica = await bench.replicated();
    expect(replica.rows(orders)[3]).toEqual(['3', 'unseen', note(3)]);
  });

  it('would lose that change without the check', async () => {
    bench = seeded(5);
    bench.leader.ensureSlot();
    let rounds = 0;
    bench.source = {
      keepalive_ms: 5,
      onWindow: (stage) => {
        if (stage !== 'before-low' || rounds++ > 0) return;
        const transaction = bench.leader.begin();
        transaction.update(orders, ['3', null, null], ['3', 'unseen', note(3)]);
        const commit = transaction.commit({ hidden: true });
        setTimeout(() => commit && bench.leader.reveal(commit.xid), 30);
      },
    };
    bench.start({ decisions: { ...captureDecisions, windowVerdict: () => ({ usable: true }) } });
    await systemClock.sleep(100);
    await expect(bench.replicated()).rejects.toThrow();
  });

  it('is made of a table that joins the publication without an event', async () => {
    bench = seeded(5);
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    const extra = 3;
    bench.leader.createTable(testRelation(extra, 'extra'), false);
    const transaction = bench.leader.begin();
    transaction.insert(extra, ['1', 'was there', null]);
    transaction.commit();
    bench.leader.publish(extra);
    const replica = await bench.replicated();
    await until(async () => {
      await replica.catchUp();
      return replica.rows(extra).length === 1 && replica.exact;
    });
  });

  it('repairs a table whose old rows changed without events, where the policy allows it', async () => {
    bench = seeded(20);
    const capture = bench.start({ policies: { onSchemaUncertain: 'repair' }, limits: { chunk_rows: 6 } });
    await until(() => capture.status().state.name === 'stream');
    const wider = testRelation(orders, 'orders', {
      columns: [...testRelation(orders, 'orders').columns, testColumn(4, 'extra', 'text')],
    });
    bench.leader.alter(wider, (row) => [...row, `filled ${row[0]}`], {
      certain: true,
      rewritten: 'volatile default',
    });
    const transaction = bench.leader.begin();
    transaction.insert(orders, ['99', 'new', null, 'mine']);
    transaction.commit();
    const replica = await bench.replicated();
    expect(replica.rows(orders)[0]).toEqual(['0', 'n0', note(0), 'filled 0']);
  });

  it('is refused by default when rows changed without events: MR-2010', async () => {
    bench = seeded(2);
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    const relation = { ...testRelation(orders, 'orders') };
    bench.leader.alter(relation, (row) => row, { certain: false, reason: 'the catalogue has moved on' });
    bench.put([50, 'x', null]);
    expect(await bench.running[0]?.done).toMatchObject({ code: 'MR-2010' });
  });

  it('reads everything again when commits are missing and the operator said so', async () => {
    bench = seeded(10);
    const capture = bench.start();
    await until(() => capture.status().state.name === 'stream');
    await bench.replicated();
    await bench.stop();
    bench.leader.dropSlot(true);
    const transaction = bench.leader.begin();
    transaction.delete(orders, ['3', null, null]);
    transaction.insert(orders, ['77', 'missed', null]);
    transaction.commit();
    bench.leader.dropSlot();
    bench.start({ policies: { onGap: 'resnapshot' }, limits: { chunk_rows: 4 } });
    const replica = await bench.replicated();
    expect(replica.rows(orders).some(([id]) => id === '77')).toBe(true);
  });
});

describe('a table that is read whole in one window', () => {
  const moods = 3;
  const many = 3_000;

  /** Keyed by mood and number. */
  function withMoods(rows: number): Bench {
    const fresh = new Bench();
    const [id, name, text] = testRelation(moods, 'moods').columns;
    if (!id || !name || !text) throw new Error('three columns');
    fresh.leader.createTable(
      testRelation(moods, 'moods', {
        key: [1, 0],
        columns: [id, { ...name, type: moodType, notNull: true }, text],
      }),
    );
    const transaction = fresh.leader.begin();
    for (let i = 0; i < rows; i++) transaction.insert(moods, [String(i), i % 2 ? 'sad' : 'ok', note(i)]);
    transaction.commit();
    return fresh;
  }

  const fresh = (): string => String(many + Math.floor(Math.random() * 1e9));

  /** Writes to `table`: rows updated, moved, deleted and inserted. */
  function write({ leader }: Bench, table: number): void {
    const transaction = leader.begin();
    const rows = leader.rows(table);
    const at = Math.floor(Math.random() * (rows.length - 8));
    for (const [i, row] of rows.slice(at, at + 8).entries()) {
      if (i === 0) transaction.delete(table, row);
      else if (i < 4) transaction.update(table, row, [fresh(), row[1], row[2]]);
      else transaction.update(table, row, [row[0], row[1], i < 6 ? row[2] : note(i)]);
    }
    transaction.insert(table, [fresh(), 'sad', note(0)]);
    transaction.commit({ hidden: Math.random() < 0.2 });
  }

  const windows = (replica: Awaited<ReturnType<Bench['replicated']>>, columns: number) =>
    replica.records.flatMap(({ record }) => {
      const table = record.kind === 'progress' ? record.chunk?.table : undefined;
      return record.kind === 'progress' && table === columns && record.chunk?.window ? [record] : [];
    });

  const isWhole = ({ chunk }: ReturnType<typeof windows>[number]): boolean =>
    chunk?.window?.after === null && chunk.window.upTo === null;

  const reveal = (): void => {
    for (const xid of bench.leader.hiddenXids) bench.leader.reveal(xid);
  };

  it.each([
    ['without a key', lines],
    ['keyed by a type without a common order', moods],
  ])('%s, larger than memory, is exact under writes', async (_, table) => {
    bench = withMoods(table === moods ? many : 10);
    if (table === lines) {
      const transaction = bench.leader.begin();
      for (let i = 0; i < many; i++) transaction.insert(lines, [String(i % 400), 'line', large]);
      transaction.commit();
    }
    // Rows that move are read once more, in windows of their own: without an end to the writes there would be none to those.
    let writes = 100;
    bench.source = {
      keepalive_ms: 5,
      onWindow: () => {
        for (let i = 0; i < 5 && writes-- > 0; i++) write(bench, table);
        reveal();
      },
    };
    bench.leader.ensureSlot();
    const capture = bench.start({ limits: { window_bytes: 100_000, part_bytes: 20_000, chunk_rows: 200 } });
    await until(() => capture.status().snapshot !== undefined);
    await until(() => capture.status().snapshot === undefined, 10_000).catch(() =>
      console.log(capture.status()),
    );
    reveal();
    const replica = await bench.replicated();
    const read = [1, 2, 3]
      .flatMap((number) => windows(replica, number))
      .filter(({ events }) => events > 2_000n);
    expect(read.length).toBe(1);
    expect(read.every(isWhole)).toBe(true);
    const rows = [...bench.leader.rows(table)].sort((a, b) => (String(a) < String(b) ? -1 : 1));
    expect(replica.rows(table)).toEqual(rows);
  });

  it('is that also when its initial snapshot was interrupted: chunks of it are read again', async () => {
    bench = withMoods(60);
    bench.source = { keepalive_ms: 5, latency_ms: () => 1 };
    const first = bench.start({ limits: { chunk_rows: 5, snapshotReaders: 1 } });
    await until(() => (first.status().snapshot?.rowsDone ?? 0) > 20);
    await bench.stop();
    for (let i = 0; i < 10; i++) write(bench, moods);
    reveal();
    bench.start({ limits: { chunk_rows: 5 } });
    const replica = await bench.replicated();
    const read = [1, 2, 3].flatMap((number) => windows(replica, number));
    expect(read.filter(isWhole).length).toBe(1);
    // Rows that moved are read once more, one by one.
    expect(read.every((record) => isWhole(record) || isSingleKey(record.chunk?.window ?? wholeTable))).toBe(
      true,
    );
    const rows = [...bench.leader.rows(moods)].sort((a, b) => (String(a) < String(b) ? -1 : 1));
    expect(replica.rows(moods)).toEqual(rows);
  });
});
