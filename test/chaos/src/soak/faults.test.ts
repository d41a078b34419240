import { expect, it } from 'vitest';
import { seeded } from '../seeded.js';
import { planFaults } from './faults.js';

it('kills each part in one half only, and plays every fault in each half of a long run', () => {
  const plan = planFaults({ count: 32, kafka: true, random: seeded(4) });
  const [first, second] = [plan.slice(0, 16), plan.slice(16)];
  expect(new Set(first).size).toBe(16);
  expect(new Set(second).size).toBe(16);
  for (const spared of ['kill lake', 'kill monitor'] as const) expect(first).not.toContain(spared);
  for (const spared of ['kill capture', 'kill replica'] as const) expect(second).not.toContain(spared);
  expect(first).toContain('broker');
});

it('is the same again for the same seed', () => {
  const plan = () => planFaults({ count: 9, kafka: false, random: seeded(11) });
  expect(plan()).toEqual(plan());
  expect(plan()).toHaveLength(9);
});
