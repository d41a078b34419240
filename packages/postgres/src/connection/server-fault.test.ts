import { describe, expect, it } from 'vitest';
import { ServerError } from '../wire/error-response.js';
import { serverFault, sqlStateOf } from './server-fault.js';

const server = (code: string, message = 'words') => new ServerError('ERROR', code, message);

describe('errors of a server', () => {
  it.each([
    ['28P01', 'MR-2002', 'MR-4002'],
    ['42501', 'MR-2002', 'MR-4002'],
    ['3D000', 'MR-2002', 'MR-4002'],
    ['53100', 'MR-2001', 'MR-4007'],
    ['53300', 'MR-2001', 'MR-4001'],
    ['57P01', 'MR-2001', 'MR-4001'],
    ['08006', 'MR-2001', 'MR-4001'],
    ['40P01', 'MR-2001', 'MR-4001'],
    ['23505', 'MR-9001', 'MR-4006'],
    ['22003', 'MR-9001', 'MR-4006'],
    ['53400', 'MR-2003', 'MR-4001'],
    ['XX000', 'MR-9001', 'MR-9001'],
  ])('SQLSTATE %s is %s on a leader and %s on a follower', (state, leader, follower) => {
    expect(serverFault('leader', server(state), 'testing').code).toBe(leader);
    expect(serverFault('follower', server(state), 'testing').code).toBe(follower);
    expect(sqlStateOf(serverFault('leader', server(state), 'testing'))).toBe(state);
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'EPIPE'])('%s is an unreachable server', (code) => {
    const error = Object.assign(new Error('connect'), { code });
    expect(serverFault('leader', error, 'testing').code).toBe('MR-2001');
    expect(serverFault('leader', new AggregateError([error]), 'testing').code).toBe('MR-2001');
  });

  it('tells a refused certificate from an unreachable server', () => {
    const fault = serverFault('leader', new Error('self-signed certificate'), 'testing');
    expect(fault.code).toBe('MR-2002');
    expect(fault.remedy).toContain('sslmode');
  });

  it('lets faults pass', () => {
    const fault = serverFault('leader', server('28P01'), 'a');
    expect(serverFault('follower', fault, 'b')).toBe(fault);
  });
});
