import { expect, it } from 'vitest';
import { configurationText } from './settings.js';

it('puts the defaults first, so that what a test asks for wins, and quotes values', () => {
  const text = configurationText({ max_connections: '7', 'millrace.note': "it's" }, true);
  expect(text).toContain("wal_level = 'logical'\n");
  expect(text).toContain("max_connections = '7'\n");
  expect(text).not.toContain("max_connections = '100'");
  expect(text).toContain("millrace.note = 'it''s'\n");
});

it('adds only what changed at a restart', () => {
  expect(configurationText({}, false)).toBe('');
  expect(configurationText({ fsync: 'off' }, false)).toBe("fsync = 'off'\n");
});
