import { Fault } from '@millrace/runtime';
import { expect, it } from 'vitest';
import { serverFault } from './server-fault.js';

const withCode = (message: string, code: string): Error => Object.assign(new Error(message), { code });

it.each([
  [withCode('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), 'MR-6003'],
  [new AggregateError([withCode('connect ECONNREFUSED ::1:1', 'ECONNREFUSED')]), 'MR-6003'],
  [new Error('LOADING Redis is loading the dataset in memory'), 'MR-6003'],
  [new Error('OOM command not allowed when used memory > maxmemory'), 'MR-6003'],
  [new Error('NOAUTH Authentication required.'), 'MR-6004'],
  [new Error('WRONGPASS invalid username-password pair or user is disabled.'), 'MR-6004'],
  [new Error("NOPERM this user has no permissions to run the 'info' command"), 'MR-6004'],
  [withCode('password authentication failed for user "x"', '28P01'), 'MR-6004'],
  [withCode('permission denied for database x', '42501'), 'MR-6004'],
  [new Error("READONLY You can't write against a read only replica."), 'MR-6008'],
  [withCode('cannot execute CREATE SCHEMA in a read-only transaction', '25006'), 'MR-6008'],
  [withCode('the database system is starting up', '57P03'), 'MR-6003'],
  ['what?', 'MR-6003'],
])('reads %s as %s, with its cause and place', (error, code) => {
  const fault = serverFault(error, 'redis://h:1');
  expect([fault.code, fault.detail.startsWith('redis://h:1: '), fault.cause]).toEqual([code, true, error]);
});

it('leaves a fault as it is', () => {
  const fault = new Fault('MR-6005', { detail: 'captured' });
  expect(serverFault(fault, 'here')).toBe(fault);
});
