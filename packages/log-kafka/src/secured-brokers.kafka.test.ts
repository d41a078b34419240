import { type KafkaCluster, startKafka } from '@millrace/local-kafka';
import { type Logger, silentLogger } from '@millrace/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaLogOptions } from './options.js';
import { claimBytes, eventsOf, fence, readPlaces } from './testing/events.js';
import { freshPrefix, openTestLog } from './testing/harness.js';

const password = 'correct-horse.battery';
let cluster: KafkaCluster;

beforeAll(async () => {
  cluster = await startKafka({
    tls: { clients: 'must-show' },
    sasl: { mechanism: 'scram-sha-512', username: 'millrace', password },
  });
}, 90_000);
afterAll(async () => {
  await cluster?.remove();
});

const secured = (
  changes: Partial<KafkaLogOptions> = {},
): Promise<Awaited<ReturnType<typeof openTestLog>>> => {
  const { ca, cert, key } = cluster.tls!;
  return openTestLog(cluster.brokers, freshPrefix(), {
    tls: { ca, cert, key },
    sasl: { mechanism: 'scram-sha-512', username: 'millrace', password },
    open_ms: 2_000,
    ...changes,
  });
};

/** Everything that is said while `work` runs. */
async function saidDuring(work: (logger: Logger) => Promise<unknown>): Promise<string> {
  const said: string[] = [];
  const note =
    () =>
    (fields: object, message: string): void => {
      said.push(JSON.stringify(fields), message);
    };
  const logger: Logger = { ...silentLogger, debug: note(), info: note(), warn: note(), error: note() };
  await work(logger);
  return said.join('\n');
}

describe('brokers that want TLS, a certificate of ours and SCRAM', () => {
  it('are used as any others', async () => {
    const prefix = freshPrefix();
    const { ca, cert, key } = cluster.tls!;
    const log = await openTestLog(cluster.brokers, prefix, {
      tls: { ca, cert, key },
      sasl: { mechanism: 'scram-sha-512', username: 'millrace', password },
    });
    const topic = `${prefix}.public.orders`;
    await log.createTopic(topic, 1);
    const records = eventsOf(1, 500, 'x'.repeat(2_000));
    const { ranges } = await log
      .appender(fence)
      .publish([{ topic, partition: 0, records }], () => claimBytes(log));
    expect(await readPlaces(log, ranges[0]!)).toHaveLength(500);
    await log.close();
  });

  it('refuse a wrong password with MR-3016, which says who but not what', async () => {
    const wrong = 'wrong-horse.battery';
    const said = await saidDuring(async (logger) => {
      const opening = secured({
        logger,
        sasl: { mechanism: 'scram-sha-512', username: 'millrace', password: wrong },
      });
      const fault = await opening.catch((error: unknown) => error);
      expect(fault).toMatchObject({ code: 'MR-3016' });
      expect(String(fault)).toContain(cluster.brokers[0]);
      expect(String((fault as Error).stack)).not.toContain(wrong);
    });
    expect(said).not.toContain(wrong);
  });

  it('refuse a mechanism they do not offer with MR-3016', async () => {
    await expect(
      secured({ sasl: { mechanism: 'plain', username: 'millrace', password } }),
    ).rejects.toMatchObject({ code: 'MR-3016' });
  });

  it('are not trusted without their authority: MR-3018', async () => {
    const { cert, key } = cluster.tls!;
    await expect(secured({ tls: { cert, key } })).rejects.toMatchObject({ code: 'MR-3018' });
    await expect(secured({ tls: true })).rejects.toMatchObject({ code: 'MR-3018' });
  });

  it('are not trusted under another name: MR-3018', async () => {
    const { ca, cert, key } = cluster.tls!;
    await expect(secured({ tls: { ca, cert, key, servername: 'elsewhere.example' } })).rejects.toMatchObject({
      code: 'MR-3018',
    });
  });

  it('refuse a client without a certificate: MR-3018', async () => {
    const { ca } = cluster.tls!;
    await expect(secured({ tls: { ca } })).rejects.toMatchObject({ code: 'MR-3018' });
  });

  it('are told from brokers in plain text: MR-3008 says what is wrong', async () => {
    const opening = openTestLog(cluster.brokers, freshPrefix(), { open_ms: 500 });
    await expect(opening).rejects.toMatchObject({ code: 'MR-3008' });
    await expect(opening).rejects.toThrow(/TLS/);
  });
});
