import { describeFollowerConformance } from '@millrace/follower/conformance';
import { silentLogger, systemClock } from '@millrace/runtime';
import { pgDatabase, postgresVersions } from '@millrace/test-support';
import { createPostgresFollower } from './follower.js';

for (const version of postgresVersions) {
  describeFollowerConformance(`PostgreSQL ${version}`, async () => {
    const database = await pgDatabase(version);
    return {
      open: async () =>
        createPostgresFollower({ url: database.url, name: 'copy', clock: systemClock, logger: silentLogger }),
      destroy: () => database.drop(),
    };
  });
}
