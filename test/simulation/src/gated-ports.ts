import type { Source, SourceSession, SourceSink } from '@millrace/capture';
import type { Follower, FollowerTransaction } from '@millrace/follower';
import type { Appender, Log, LogTable } from '@millrace/log';
import type { Clock } from '@millrace/runtime';
import type { ProcessGate } from './process-gate.js';

/** The clock as a process sees it: a paused process does not wake from its sleep. */
export function gatedClock(clock: Clock, gate: ProcessGate): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: (ms, signal) => gate.call(() => clock.sleep(ms, signal)),
  };
}

export function gatedLog(log: Log, gate: ProcessGate): Log {
  const { progress } = log;
  return {
    get id() {
      return log.id;
    },
    needsTrim: log.needsTrim,
    progress: {
      appendClaim: (bytes, fence) => gate.call(() => progress.appendClaim(bytes, fence)),
      read: (from, max_bytes) => gate.call(() => progress.read(from, max_bytes)),
      watermarks: () => gate.call(() => progress.watermarks()),
      wait: (offset, signal) => gate.call(() => progress.wait(offset, signal)),
    },
    topics: () => gate.call(() => log.topics()),
    createTopic: (name, partitions) => gate.call(() => log.createTopic(name, partitions)),
    watermarks: (topic, partition) => gate.call(() => log.watermarks(topic, partition)),
    appender: (fence) => gatedAppender(log.appender(fence), gate),
    read: (range, options) => gate.iterate(() => log.read(range, options)),
    table: (name) => gatedTable(log.table(name), gate),
    trim: (request) => gate.call(() => log.trim(request)),
    waiting: () => log.waiting(),
    close: async () => {},
  };
}

const gatedAppender = (appender: Appender, gate: ProcessGate): Appender => ({
  append: (batches) => gate.call(() => appender.append(batches)),
  publish: (batches, record) => gate.call(() => appender.publish(batches, record)),
});

const gatedTable = (table: LogTable, gate: ProcessGate): LogTable => ({
  get: (key) => gate.call(() => table.get(key)),
  put: (key, value) => gate.call(() => table.put(key, value)),
  delete: (key) => gate.call(() => table.delete(key)),
  entries: () => gate.call(() => table.entries()),
});

export function gatedFollower(follower: Follower, gate: ProcessGate): Follower {
  gate.onDeath(() => void follower.close());
  return {
    capabilities: follower.capabilities,
    storeId: () => gate.call(() => follower.storeId()),
    register: (initial, options) => gate.call(() => follower.register(initial, options)),
    takeOver: (owner) => gate.call(() => follower.takeOver(owner)),
    position: () => gate.call(() => follower.position()),
    tables: () => gate.call(() => follower.tables()),
    begin: async (from, to) => gatedTransaction(await gate.call(() => follower.begin(from, to)), gate),
    scan: (table) => follower.scan(table),
    close: () => gate.call(() => follower.close()),
  };
}

const gatedTransaction = (transaction: FollowerTransaction, gate: ProcessGate): FollowerTransaction => ({
  evolve: (table, changes) => gate.call(() => transaction.evolve(table, changes)),
  forget: (table, options) => gate.call(() => transaction.forget(table, options)),
  write: (batch) => gate.call(() => transaction.write(batch)),
  newRows: (table) => transaction.newRows(table),
  truncate: (tables) => gate.call(() => transaction.truncate(tables)),
  deleteRange: (table, range, keep) => gate.call(() => transaction.deleteRange(table, range, keep)),
  commit: () => gate.call(() => transaction.commit()),
  abort: () => gate.call(() => transaction.abort()),
});

export function gatedSource(source: Source, gate: ProcessGate): Source {
  return {
    async acquire(options) {
      let acquired: SourceSession | undefined;
      // The connection of a process that dies while it connects breaks as well.
      gate.onDeath(() => void acquired?.close());
      return await gate.call(async () => {
        acquired = await source.acquire(options);
        if (gate.state === 'dead') await acquired.close();
        return gatedSession(acquired, gate);
      });
    },
  };
}

function gatedSession(session: SourceSession, gate: ProcessGate): SourceSession {
  const { created } = session;
  return {
    identity: session.identity,
    wal: session.wal,
    confirmed: session.confirmed,
    ...(created
      ? {
          created: {
            consistentPoint: created.consistentPoint,
            snapshot: {
              tables: created.snapshot.tables,
              plan: (table, rows) => gate.call(() => created.snapshot.plan(table, rows)),
              read: (table, range, to, signal) =>
                gate.call(() => created.snapshot.read(table, range, to, signal)),
              close: () => gate.call(() => created.snapshot.close()),
            },
          },
        }
      : {}),
    relations: () => gate.call(() => session.relations()),
    memberships: (relations) => gate.call(() => session.memberships(relations)),
    stream: (sink, signal) => gate.call(() => session.stream(gatedSink(sink, gate), signal)),
    confirm: (positions) => {
      if (gate.state === 'running') session.confirm(positions);
    },
    leaderPosition: () => gate.call(() => session.leaderPosition()),
    windows: { read: (request) => gate.call(() => session.windows.read(request)) },
    close: () => gate.call(() => session.close()),
  };
}

/** What arrives for a dead process is lost; what arrives for a paused one stops at its socket. */
function gatedSink(sink: SourceSink, gate: ProcessGate): SourceSink {
  const alive = (): boolean => gate.state !== 'dead';
  return {
    begin: (start) => alive() && sink.begin(start),
    change: (change) => alive() && sink.change(change),
    watermark: (mark) => alive() && sink.watermark(mark),
    commit: (end) => alive() && sink.commit(end),
    keepalive: (at) => alive() && sink.keepalive(at),
    relation: (relation, certainty) => (alive() ? sink.relation(relation, certainty) : undefined),
    room: () => gate.blocked() ?? sink.room(),
  };
}
