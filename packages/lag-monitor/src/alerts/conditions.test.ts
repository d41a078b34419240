import { expect, it } from 'vitest';
import type { ServiceNote } from '../board/service-board.js';
import { Judge } from '../verdict/verdict.js';
import { budget, runningNote, sampleOf, wallStart_ms } from '../verdict/verdict.sample.js';
import { AlertBook } from './alert-book.js';
import { conditionsOf } from './conditions.js';

type Told = Partial<ServiceNote>;

const running: Told = {};
const waiting: Told = { state: 'waiting' };
const starting: Told = { state: 'starting' };
const ended: Told = { state: 'stopped', doing: 'ended' };
const stopped = (code: string): Told => ({
  state: 'stopped',
  fault: { code, name: 'Fault', detail: 'it stands', remedy: 'Mend it.' },
});
const loud = stopped('MR-4004');
const fenced = stopped('MR-4003');

const times = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

/** What pages and resolves say of the follower `lake`, with its second, while its notes change once a second. */
function said(notes: readonly (Told | undefined)[], applied_mib = 100): string[] {
  const judge = new Judge([budget('*', 40)], ['lake']);
  const book = new AlertBook();
  return notes.flatMap((told, second) => {
    const sample = sampleOf({
      second,
      leader_mib: 100,
      head_mib: 100,
      followers: { lake: applied_mib },
      notes: told ? [runningNote('lake', second, told)] : [],
    });
    const conditions = conditionsOf(judge.verdict(sample), 1_000, (key) => book.firing(key));
    return book
      .evaluate(conditions, sample.at)
      .filter(({ condition }) => condition.severity === 'page')
      .map(({ say, condition }) => `${second} ${say} ${condition.key}`);
  });
}

it.each([
  ['works', running],
  ['waits for its leader', waiting],
])('takes the page of a stop back when the service %s, not when it merely starts', (_, recovered) => {
  expect(said([loud, starting, loud, starting, starting, recovered])).toEqual([
    '0 fired lake/stopped',
    '5 resolved lake/stopped',
  ]);
});

it('keeps the page of a stop out when the service is ended on request: it does not run', () => {
  expect(said([loud, starting, ended, ended])).toEqual(['0 fired lake/stopped']);
});

it('does not let a fenced process take back the page of its successor’s stop', () => {
  for (const code of ['MR-2009', 'MR-4003'])
    expect(said([loud, stopped(code), loud])).toEqual(['0 fired lake/stopped']);
});

it('pages nobody for a start, an end on request, or a service that a successor replaced', () => {
  expect(said([starting, ended, starting, fenced, stopped('MR-2009'), running, undefined])).toEqual([]);
});

it('reads the lag of a service that nobody pages for as usual', () => {
  const lagPage = ['10 fired lake/lag/page'];
  expect(said(times(12, fenced), 40)).toEqual(lagPage);
  expect(said(times(12, ended), 40)).toEqual(lagPage);
});

it('does not page the lag of a stop whose page is out, until the service works again', () => {
  const standing = [loud, ...times(12, starting), ...times(12, ended), ...times(12, fenced)];
  expect(said(standing, 40)).toEqual(['0 fired lake/stopped']);
  expect(said([loud, ...times(12, running)], 40)).toEqual([
    '0 fired lake/stopped',
    '1 resolved lake/stopped',
    '11 fired lake/lag/page',
  ]);
});

it('excuses a copy in the making from its lag while its applier works, not otherwise', () => {
  expect(said(times(12, running), 0)).toEqual([]);
  expect(said(times(12, starting), 0)).toEqual([]);
  for (const note of [waiting, ended, undefined])
    expect(said(times(12, note), 0)).toEqual(['10 fired lake/lag/page']);
  // Silent from second 7 on.
  const silent = { beat_ms: wallStart_ms };
  expect(said(times(18, silent), 0)).toEqual(['17 fired lake/lag/page']);
});
