import { readFileSync } from 'node:fs';
import { Fault } from '@millrace/runtime';

/** The account servers run as. `undefined` stands for "as ourselves": an ordinary user needs no other. */
export interface ServiceUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Accounts that exist for servers, best first: PostgreSQL's own, then the one nobody logs in as. */
const candidates = ['postgres', '_postgres', 'nobody'];

/**
 * Whom to run PostgreSQL as, given our effective uid and the text of /etc/passwd. PostgreSQL refuses to run as
 * root, and looks its uid up by name, so the account must stand in the file.
 */
export function chooseServiceUser(euid: number, passwd: string): ServiceUser | undefined {
  if (euid !== 0) return undefined;
  const accounts = passwd.split('\n').map((line) => line.split(':'));
  for (const name of candidates) {
    const account = accounts.find((fields) => fields[0] === name);
    const uid = Number(account?.[2]);
    const gid = Number(account?.[3]);
    // macOS writes nobody's ids as −2; spawn wants them unsigned.
    if (account && uid !== 0 && Number.isInteger(uid) && Number.isInteger(gid))
      return { name, uid: uid >>> 0, gid: gid >>> 0 };
  }
  throw new Fault('MR-7002', {
    detail: `PostgreSQL refuses to run as root, and /etc/passwd has none of ${candidates.join(', ')}`,
    remedy: 'Run this as an ordinary user, or create a user named postgres.',
  });
}

/** The account for this process. Throws MR-7002 when we are root and have nobody to hand down to. */
export function serviceUser(): ServiceUser | undefined {
  const euid = process.geteuid?.() ?? -1;
  return euid === 0 ? chooseServiceUser(euid, readFileSync('/etc/passwd', 'utf8')) : undefined;
}

/** Spawn options that run a child as `user`. */
export function spawnAs(user: ServiceUser | undefined): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid };
}

/**
 * The environment servers get: nothing inherited that could reconfigure them (PGDATA, PGOPTIONS, LD_*), and a time
 * zone that does not depend on the machine.
 */
export const serverEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
};
