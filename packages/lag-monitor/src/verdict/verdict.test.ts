import { Fault } from '@millrace/runtime';
import { expect, it } from 'vitest';
import type { ServiceState } from '../board/service-board.js';
import { Judge } from './verdict.js';
import { runningNote, type Scene, sampleOf } from './verdict.sample.js';

const scene = (second: number, state: ServiceState): Scene => ({
  second,
  leader_mib: 10,
  head_mib: 10,
  followers: { lake: 10 },
  notes: [runningNote('capture', 0, { state }), runningNote('lake', 0, { state })],
});

/** States of capture and follower so many seconds after their last note. */
function states(second: number, state: ServiceState): string[] {
  const { capture, followers } = new Judge([], ['lake']).verdict(sampleOf(scene(second, state)));
  return [capture, ...followers].map((edge) => edge.state);
}

it('shows a service that has fallen silent as unknown, not as it was last', () => {
  expect(states(6, 'running')).toEqual(['running', 'exact']);
  for (const state of ['starting', 'running', 'waiting'] as const)
    expect(states(7, state)).toEqual(['unknown', 'unknown']);
  expect(states(7, 'stopped')).toEqual(['stopped', 'stopped']);
});

it('knows no state while the log cannot be read', () => {
  const fault = new Fault('MR-3008', { detail: 'gone' });
  const sample = { ...sampleOf(scene(0, 'running')), log: { ok: false as const, fault } };
  const { capture, followers } = new Judge([], ['lake']).verdict(sample);
  expect([capture, ...followers].map((edge) => edge.state)).toEqual(['unknown', 'unknown']);
});
