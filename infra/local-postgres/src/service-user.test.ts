import { expect, it } from 'vitest';
import { chooseServiceUser } from './service-user.js';

const root = 'root:x:0:0:root:/root:/bin/bash';
const nobody = 'nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin';
const postgres = 'postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash';

it('an ordinary user runs servers as himself', () => {
  expect(chooseServiceUser(1000, [root, postgres].join('\n'))).toBeUndefined();
});

it('root runs them as postgres, or else as nobody', () => {
  expect(chooseServiceUser(0, [root, nobody, postgres].join('\n'))).toEqual({
    name: 'postgres',
    uid: 101,
    gid: 104,
  });
  expect(chooseServiceUser(0, [root, nobody].join('\n'))).toEqual({ name: 'nobody', uid: 65534, gid: 65533 });
});

it('ids that macOS writes as negative numbers become unsigned', () => {
  expect(chooseServiceUser(0, 'nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false')).toEqual({
    name: 'nobody',
    uid: 4294967294,
    gid: 4294967294,
  });
});

it('an account that is root under another name is not taken, and none at all is a fault with its remedy', () => {
  expect(() => chooseServiceUser(0, [root, 'postgres:x:0:0::/:/bin/sh', 'nobody:x::'].join('\n'))).toThrow(
    /MR-7002/,
  );
});
