import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contestant } from '../contestant.js';
import { MillraceProcess } from '../followers/millrace-process.js';
import { configurationText } from './configuration.js';
import type { Publisher } from './drain.js';
import { type KafkaPlace, type KafkaWorker, prepareKafkaLane } from './lane.js';
import { awaitSnapshotEnd } from './snapshot-end.js';

/** `millrace capture` as users run it, with a log on Kafka. */
export const millraceIntoKafka: Contestant = {
  name: 'millrace',
  describe: async () =>
    'millrace capture of this tree, log on Kafka, codec { format: json, preset: debezium }, all else as it comes',
  prepare: (stand, lane) => prepareKafkaLane(stand, lane, captureWorker),
};

/** Preparation and drain are two runs of the command in one folder. */
const captureWorker: KafkaWorker = {
  name: 'millrace',
  async prepare(place) {
    await mkdir(place.runFolder, { recursive: true });
    await writeFile(join(place.runFolder, 'millrace.yaml'), textFor(place));
    const capture = startCapture(place);
    await awaitSnapshotEnd(place.brokers, place.name, () => capture.assertRunning());
    await capture.stop();
  },
  ready: async (place) => new CapturePublisher(place),
};

class CapturePublisher implements Publisher {
  readonly name = 'capture';
  readonly #place: KafkaPlace;
  #capture: MillraceProcess | undefined;

  constructor(place: KafkaPlace) {
    this.#place = place;
  }

  get pid(): number {
    return this.#running().pid;
  }

  async begin(): Promise<void> {
    this.#capture = startCapture(this.#place);
  }

  assertAlive(): void {
    this.#running().assertRunning();
  }

  #running(): MillraceProcess {
    if (!this.#capture) throw new Error('the capture was never started');
    return this.#capture;
  }
}

function startCapture({ runFolder, cleanup }: KafkaPlace): MillraceProcess {
  const capture = new MillraceProcess(['capture'], runFolder);
  cleanup.defer(() => capture.stop());
  return capture;
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
