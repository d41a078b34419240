import type { Contestant } from '../contestant.js';
import { CaptureProcess } from './capture-process.js';
import { configurationText } from './configuration.js';
import { type KafkaPlace, type KafkaWorker, prepareKafkaLane } from './lane.js';
import { awaitSnapshotEnd } from './snapshot-end.js';

/** `millrace capture` with a log on Kafka, as it comes but for format json, preset debezium. */
export function millraceIntoKafka(): Contestant {
  return {
    name: 'millrace',
    describe: async () => 'millrace capture, log.kafka and all else as it comes, codec { json, debezium }',
    prepare: (stand, lane) => prepareKafkaLane(stand, lane, captureWorker()),
  };
}

/** Works in one lane: the same folder and configuration in preparation and drain. */
function captureWorker(): KafkaWorker {
  let capture: CaptureProcess | undefined;
  const assertAlive = (): void => {
    if (!capture?.running) throw new Error('millrace capture ended by itself');
  };
  return {
    name: 'millrace',
    async prepare(place) {
      capture = await CaptureProcess.create(place.runFolder, textFor(place));
      place.cleanup.defer(() => capture?.remove());
      await capture.start();
      await awaitSnapshotEnd(place.brokers, place.name, assertAlive);
      await capture.stop();
    },
    ready: async () => ({
      name: 'capture',
      get pid() {
        return capture?.pid ?? -1;
      },
      begin: async () => capture?.start(),
      assertAlive,
    }),
  };
}

function textFor({ stand, name, brokers }: KafkaPlace): string {
  const { leader, workload } = stand;
  return configurationText({
    pipeline: name,
    leaderUrl: leader.url,
    slot: name,
    tables: workload.tables,
    brokers,
  });
}
