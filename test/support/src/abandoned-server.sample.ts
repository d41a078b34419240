// A process that starts a server and never ends it, for abandoned-server.pg.test.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from './postgres.js';

const server = await startPostgres({ version: 18 });
process.stdout.write(`${server.folder}\n`);
if (process.argv[2] === 'stay') await sleep(60_000);
