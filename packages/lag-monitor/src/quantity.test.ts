import { expect, it } from 'vitest';
import { formatBytes, formatDuration, formatRate } from './quantity.js';

it('writes sizes in binary units with at most one decimal', () => {
  const sizes = [0, 512, 1024, 1536, 8 * 2 ** 30, 12.4 * 2 ** 30, 282 * 2 ** 30, 1023.99 * 1024];
  expect(sizes.map(formatBytes)).toEqual([
    '0 B',
    '512 B',
    '1 KiB',
    '1.5 KiB',
    '8 GiB',
    '12.4 GiB',
    '282 GiB',
    '1 MiB',
  ]);
  expect(formatRate(41 * 2 ** 20)).toBe('41 MiB/s');
});

it('writes durations as people say them', () => {
  expect([0, 24, 110, 240, 3_599, 6_720, 3_600, 180_000, 273_600].map(formatDuration)).toEqual([
    '0 s',
    '24 s',
    '110 s',
    '4 min',
    '60 min',
    '1 h 52 m',
    '1 h',
    '2 d 2 h',
    '3 d 4 h',
  ]);
});

it('says unknown for what is unknown', () => {
  expect([formatBytes(undefined), formatRate(undefined), formatDuration(undefined)]).toEqual([
    'unknown',
    'unknown',
    'unknown',
  ]);
});
