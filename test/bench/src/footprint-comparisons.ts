import { type Comparison, shortened } from './comparison/comparison.js';
import { captureAttached, recvlogicalAttached } from './footprint/attachments.js';
import { overheadComparison } from './footprint/overhead.js';
import { quietComparison } from './footprint/quiet.js';
import { restartComparison } from './footprint/restart.js';

/** What we cost while nothing is replicated, how soon we are back, and what the leader notices of us. */
export const footprintComparisons: readonly Comparison[] = [
  quietComparison({
    title: 'nothing is written',
    subject: 'millrace, idle leader',
    isWriting: false,
  }),
  quietComparison({
    title: 'the leader writes only a table that is not published, 100 commits a second',
    subject: 'millrace, unpublished writes',
    isWriting: true,
  }),
  restartComparison,
  ...shortened(0.4, overheadComparison(captureAttached), overheadComparison(recvlogicalAttached)),
];
