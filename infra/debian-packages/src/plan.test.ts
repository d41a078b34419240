import { expect, it } from 'vitest';
import { parsePlan } from './plan.js';

it('reads what apt-get would install: new packages, and newer or the same versions of installed ones', () => {
  const output = `NOTE: This is only a simulation!
Reading package lists...
The following NEW packages will be installed:
  liblzf1 redis-server redis-tools
Inst liblzf1 (3.6-3 Debian:12.10/stable [amd64])
Inst redis-tools [5:7.0.14-1] (5:7.0.15-1~deb12u10 Debian-Security:12/stable-security [amd64]) []
Inst libssl3:i386 (3.0.16-1 Debian:12.10/stable [i386])
Conf liblzf1 (3.6-3 Debian:12.10/stable [amd64])
`;
  expect(parsePlan(output)).toEqual([
    { name: 'liblzf1', version: '3.6-3' },
    { name: 'redis-tools', version: '5:7.0.15-1~deb12u10' },
    { name: 'libssl3:i386', version: '3.0.16-1' },
  ]);
});
