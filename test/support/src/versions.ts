/** Major versions of PostgreSQL that tests run on: the oldest with its binaries at hand, and the newest. */
export const postgresVersions = [15, 18] as const;

export type PostgresVersion = (typeof postgresVersions)[number];
