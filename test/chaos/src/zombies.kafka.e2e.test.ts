import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@millrace/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Command } from './command.js';
import { KafkaBackbone } from './kafka-backbone.js';
import type { Part } from './pipeline.js';
import { Stage } from './stage.js';

const limit_ms = 180_000;
/** The leader lets go of a silent walsender's slot after this. */
const walSenderTimeout_ms = 3_000;
const takeover_ms_max = 5_000;
const fenced_ms_max = 30_000;

describe('a process that sleeps past its takeover changes nothing and says that it is fenced (promise 6)', () => {
  let backbone: KafkaBackbone;
  let stage: Stage;
  beforeAll(async () => {
    backbone = await KafkaBackbone.start(1);
    stage = await Stage.set({
      log: backbone.yaml,
      leaderConf: { wal_sender_timeout: `${walSenderTimeout_ms}ms` },
    });
    await stage.open();
  }, limit_ms);
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await backbone?.[Symbol.asyncDispose]();
  });

  /** Writes all the while, so that the sleeper goes to sleep over its work. */
  async function underLoad(work: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const load = (async () => {
      for (let round = 0; !stop.signal.aborted; round++)
        await stage.onLeader(
          `UPDATE items SET value = 'round ${round}'`,
          `DELETE FROM items WHERE id > 1000`,
          `INSERT INTO items SELECT 1000 + i, 'more' FROM generate_series(1, 50) i`,
        );
    })();
    try {
      await work();
    } finally {
      stop.abort();
      await load;
    }
  }

  /** The sleeper is replaced in the pipeline by its successor, and returned. */
  async function sleepAndReplace(part: Part): Promise<Command> {
    const sleeper = stage.pipeline.part(part);
    await sleep(1_000);
    sleeper.signal('SIGSTOP');
    stage.pipeline.start(part);
    return sleeper;
  }

  async function wakesFenced(sleeper: Command, code: string): Promise<void> {
    sleeper.signal('SIGCONT');
    await waitFor(() => sleeper.exit !== undefined, { what: 'the sleeper ends', timeout_ms: fenced_ms_max });
    expect(sleeper.output).toContain(code);
    expect(sleeper.output).toMatch(/fenced/i);
    expect(sleeper.exit?.code).not.toBe(0);
  }

  it(
    'a capture, whose successor has claimed and published',
    async () => {
      await underLoad(async () => {
        const sleeper = await sleepAndReplace('capture');
        const marker = `INSERT INTO items VALUES (500, 'after the takeover')`;
        await stage.onLeader(marker);
        await waitFor(async () => (await stage.replicaRows())?.includes('500='), {
          what: 'the successor has published',
          timeout_ms: walSenderTimeout_ms + 30_000,
        });
        await wakesFenced(sleeper, 'MR-2009');
      });
      await stage.untilReplicaEqual();
    },
    limit_ms,
  );

  it(
    'an applier, whose successor takes over within 5 s',
    async () => {
      await underLoad(async () => {
        const sleeper = await sleepAndReplace('replica');
        const slept_ms = performance.now();
        await stage.onLeader(`UPDATE items SET id = 501 WHERE id = 500`);
        await waitFor(async () => (await stage.replicaRows())?.includes('501='), {
          what: 'the successor applies',
          timeout_ms: 30_000,
        });
        expect(performance.now() - slept_ms).toBeLessThan(takeover_ms_max + startUp_ms_max);
        await wakesFenced(sleeper, 'MR-4003');
      });
      await stage.untilReplicaEqual();
      await stage.untilLakeEqual();
    },
    limit_ms,
  );
});

/** The successor is not a hot standby here: it is started only then. */
const startUp_ms_max = 10_000;
