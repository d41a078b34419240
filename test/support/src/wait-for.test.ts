import { expect, it } from 'vitest';
import { waitFor } from './wait-for.js';

it('returns what the probe finds, zero and the empty string included', async () => {
  let asked = 0;
  expect(await waitFor(() => (++asked < 3 ? undefined : 0), { what: 'third time' })).toBe(0);
  expect(asked).toBe(3);
});

it('says what was awaited, and why the probe failed last', async () => {
  const failing = waitFor(() => Promise.reject(new Error('refused')), { what: 'the server', timeout_ms: 30 });
  await expect(failing).rejects.toThrow('not within 30 ms: the server');
  await expect(failing).rejects.toMatchObject({ cause: new Error('refused') });
});
