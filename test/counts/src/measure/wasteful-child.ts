// As `child.ts` on stage decode, with a sink that makes one object per event too many: the gate must notice.
import type { Change } from '@millrace/model';
import { readRecording } from '../recording/recording.js';
import { decode, emptySink } from '../stages/decode.js';

let last: { op: Change['op']; columns: number } | undefined;
const allocation = await decode(readRecording('narrow'), {
  ...emptySink,
  change: ({ op, relation }) => {
    last = { op, columns: relation.columns.length };
  },
});
if (last?.op !== 'insert') throw new Error('the recording holds inserts');
process.stdout.write(`${JSON.stringify(allocation)}\n`);
