import type { Contestant } from '../contestant.js';
import type { Publisher } from '../kafka/drain.js';
import { type KafkaPlace, type KafkaWorker, prepareKafkaLane } from '../kafka/lane.js';
import { connectProgram, inWords, sourceLock } from './program.js';
import type { ConnectSettings } from './rest.js';
import { RunningConnector } from './running-connector.js';
import { sourceSettings, streamingAlone, tunedSource } from './source.js';
import { ConnectWorker, heapOptions } from './worker.js';

/** Debezium's PostgreSQL connector in Kafka Connect, in its default configuration. */
export const debeziumAsItComes = debezium('debezium as it comes', {});

/** The same with larger batches, queues and producer requests. */
export const debeziumTuned = debezium('debezium (tuned)', tunedSource);

function debezium(name: string, tuning: ConnectSettings): Contestant {
  return {
    name,
    async describe() {
      const settings = Object.entries(tuning).map(([key, value]) => `${key}=${value}`);
      return [
        inWords(await connectProgram(sourceLock)),
        `${heapOptions.join(' ')}, G1, JsonConverter without schemas`,
        ...settings,
      ].join(', ');
    },
    prepare: (stand, lane) => prepareKafkaLane(stand, lane, connectWorker(tuning)),
  };
}

function connectWorker(tuning: ConnectSettings): KafkaWorker {
  return {
    name: 'debezium',
    async prepare({ stand, name }) {
      const client = await stand.leader.connect();
      try {
        await client.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [name]);
      } finally {
        await client.end();
      }
    },
    ready: (place) => publisherIn(place, tuning),
  };
}

/** A worker that is up, so that the virtual machine's start counts for nobody; its connector starts with the drain. */
async function publisherIn(
  { stand, brokers, name, runFolder, cleanup }: KafkaPlace,
  tuning: ConnectSettings,
): Promise<Publisher> {
  const worker = await ConnectWorker.start({ program: await connectProgram(sourceLock), brokers, runFolder });
  cleanup.defer(() => worker.remove());
  const connector = new RunningConnector(worker, name);
  cleanup.defer(() => connector.forget());
  const from = sourceSettings({ leaderUrl: stand.leader.url, slot: name, prefix: name });
  return {
    name: 'connect',
    pid: worker.pid,
    begin: () => connector.start({ ...from, ...streamingAlone, ...tuning }),
    assertAlive: () => connector.assertAlive(),
  };
}
