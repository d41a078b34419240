// A process that starts a broker, freezes it and never ends it, for abandoned-server.kafka.test.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { startKafka } from '@millrace/local-kafka';

const node = (await startKafka()).node(1);
node.pause();
process.stdout.write(`${node.folder} ${node.pid}\n`);
await sleep(60_000);
