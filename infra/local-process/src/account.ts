/** The account a server runs as. `undefined` stands for "as ourselves". */
export interface ServiceUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Spawn options that run a child as `user`. */
export function spawnAs(user: ServiceUser | undefined): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid };
}

/**
 * The environment servers get: nothing inherited that could reconfigure them (PGDATA, KAFKA_OPTS, LD_*), and a time
 * zone that does not depend on the machine.
 */
export const serverEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
};
