import { describe, expect, it } from 'vitest';
import { describeTarget, parsePostgresUrl } from './target.js';

describe('a connection URL', () => {
  it('gives host, port, user, password and database, percent-decoded', () => {
    const target = parsePostgresUrl('postgresql://us%40er:p%3Ass@db.example:6543/my%20db?connect_timeout=3');
    expect(target).toMatchObject({
      host: 'db.example',
      port: 6543,
      user: 'us@er',
      password: 'p:ss',
      database: 'my db',
      connectTimeout_ms: 3000,
    });
    expect(describeTarget(target)).toBe('db.example:6543/my db');
  });

  it('takes IPv6 hosts and Unix sockets', () => {
    expect(parsePostgresUrl('postgres://[::1]:5433/x').host).toBe('::1');
    expect(parsePostgresUrl('postgresql:///x?host=/run/postgresql')).toMatchObject({
      host: '/run/postgresql',
      tls: [false],
    });
  });

  it('follows the words of libpq for sslmode', () => {
    const tls = (mode: string) => parsePostgresUrl(`postgresql://h/d?${mode}`).tls;
    expect(tls('sslmode=disable')).toEqual([false]);
    expect(tls('')).toEqual([{ rejectUnauthorized: false }, false]);
    expect(tls('sslmode=allow')).toEqual([false, { rejectUnauthorized: false }]);
    expect(tls('sslmode=require')).toEqual([{ rejectUnauthorized: false }]);
    expect(tls('sslmode=verify-full')).toEqual([{ rejectUnauthorized: true }]);
    expect(tls('sslmode=verify-ca')).toMatchObject([
      { rejectUnauthorized: true, checkServerIdentity: expect.any(Function) },
    ]);
  });

  it.each([
    'mysql://h/d',
    'postgresql://h:99999/d',
    'postgresql://h/d?sslmode=on',
    'postgresql://h/d?applicaton_name=x',
    'postgresql://h/d%zz',
    'postgresql://h/d?sslrootcert=/does/not/exist',
    'postgresql://h/d?connect_timeout=soon',
  ])('is refused with MR-1003 and without repeating a password: %s', (url) => {
    const secret = url.replace('://', '://me:hunter2@');
    expect(() => parsePostgresUrl(secret)).toThrow(/MR-1003/);
    try {
      parsePostgresUrl(secret);
    } catch (error) {
      expect(String(error)).not.toContain('hunter2');
    }
  });
});
