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
    // Beyond DuckDB's calendar, and NaN in a DECIMAL: see the README.
    refused: {
      'numeric(38,10)': ['NaN'],
      timestamp: ['294276-12-31 23:59:59.999999'],
      timestamptz: ['294276-12-31 23:59:59.999999+00'],
    },
  };
});
