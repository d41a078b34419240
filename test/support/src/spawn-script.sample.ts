// A child process for spawn-script.test.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, type FaultCode } from '@millrace/runtime';

const code: FaultCode = 'MR-9001';
if (process.argv[2] === 'wait') await sleep(60_000);
process.stdout.write(`${process.argv[2]} ${new Fault(code, { detail: 'sample' }).code}\n`);
