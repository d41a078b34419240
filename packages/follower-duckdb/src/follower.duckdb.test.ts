import { join } from 'node:path';
import { describeFollowerConformance } from '@millrace/follower/conformance';
import { silentLogger, systemClock } from '@millrace/runtime';
import { removeTempFolder, tempFolder } from '@millrace/test-support';
import { createDuckDbFollower } from './follower.js';

describeFollowerConformance('DuckDB', async () => {
  const folder = tempFolder('follower-duckdb');
  const path = join(folder, 'copy.duckdb');
  return {
    open: async () => createDuckDbFollower({ path, name: 'copy', clock: systemClock, logger: silentLogger }),
    destroy: async () => removeTempFolder(folder),
    // Beyond DuckDB's calendar, NaN in a DECIMAL, and −0, which its compression takes for 0: see the README.
    refused: {
      float4: ['-0'],
      float8: ['-0'],
      'numeric(38,10)': ['NaN'],
      timestamp: ['294276-12-31 23:59:59.999999'],
      timestamptz: ['294276-12-31 23:59:59.999999+00'],
    },
  };
});
