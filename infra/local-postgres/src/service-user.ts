import { readFileSync } from 'node:fs';
import type { ServiceUser } from '@millrace/local-process';
import { Fault } from '@millrace/runtime';

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
