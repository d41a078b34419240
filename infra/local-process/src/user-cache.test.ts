import { expect, it } from 'vitest';
import { userCachePath } from './user-cache.js';

it('caches stand where the platform keeps them, and where XDG_CACHE_HOME says if that is a full path', () => {
  expect(userCachePath('linux', '/home/a', {})).toBe('/home/a/.cache/millrace');
  expect(userCachePath('darwin', '/Users/a', {})).toBe('/Users/a/Library/Caches/millrace');
  expect(userCachePath('linux', '/home/a', { XDG_CACHE_HOME: '/big/cache' })).toBe('/big/cache/millrace');
  expect(userCachePath('linux', '/home/a', { XDG_CACHE_HOME: 'cache' })).toBe('/home/a/.cache/millrace');
});
