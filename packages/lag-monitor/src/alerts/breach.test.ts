import { expect, it } from 'vitest';
import { type Breach, type BreachRule, quiet, type Reading, readingOf, stepBreach } from './breach.js';

const rule: BreachRule = { for_ms: 3_000, clearFor_ms: 2_000 };
const at = (seconds: number) => ({ monotonic_ms: seconds * 1_000, wall_ms: 1e12 + seconds * 1_000 });

/** One letter per second: o over, b between, u under, ? unknown. Gives what was said, with its second. */
function told(readings: string, using = rule): string[] {
  const letters: Record<string, Reading> = { o: 'over', b: 'between', u: 'under', '?': 'unknown' };
  let state: Breach = quiet;
  const said: string[] = [];
  [...readings].forEach((letter, second) => {
    const step = stepBreach(state, letters[letter] as Reading, at(second), using);
    state = step.state;
    if (step.say) said.push(`${second} ${step.say}`);
  });
  return said;
}

it('pages once however long the breach lasts, and resolves once', () => {
  expect(told('oooooooooouuuuuuu')).toEqual(['3 fired', '12 resolved']);
});

it('stays silent for a breach shorter than its patience', () => {
  expect(told('ooouuoooubooo')).toEqual([]);
});

it('does not resolve and page again while the lag saws around its level', () => {
  expect(told('oooobobobobubobouboo')).toEqual(['3 fired']);
});

it('starts the patience of clearing anew after every rise', () => {
  expect(told('oooouuouuouuu')).toEqual(['3 fired', '12 resolved']);
});

it('moves nothing on what it cannot measure, in any state', () => {
  expect(told('????')).toEqual([]);
  expect(told('oo????o')).toEqual(['6 fired']);
  expect(told('oooo??????????')).toEqual(['3 fired']);
  expect(told('oooou????')).toEqual(['3 fired']);
});

it('fires and resolves at once where no patience is asked', () => {
  expect(told('ouo', { for_ms: 0, clearFor_ms: 0 })).toEqual(['0 fired', '1 resolved', '2 fired']);
});

it('measures patience on the monotonic clock: a wall clock that jumps a day changes nothing', () => {
  const jumped = (seconds: number) => ({ ...at(seconds), wall_ms: 1e12 + 86_400_000 });
  const first = stepBreach(quiet, 'over', at(0), rule).state;
  const second = stepBreach(first, 'over', jumped(1), rule);
  expect(second.state.kind).toBe('pending');
});

it('reads a value against its level with hysteresis, the level itself being within the budget', () => {
  expect([101, 100, 76, 75, 0].map((value) => readingOf(value, 100, 0.75))).toEqual([
    'over',
    'between',
    'between',
    'under',
    'under',
  ]);
  expect(readingOf(undefined, 100, 0.75)).toBe('unknown');
});
