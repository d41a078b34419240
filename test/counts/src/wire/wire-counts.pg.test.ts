import { describe, expect, it } from 'vitest';
import { complaints, readAccepted } from '../gate/accepted.js';
import { countWire, titleOf, wireCounts } from './wire-counts.js';

const accepted = readAccepted().wire;

describe('statements, round trips and bytes to a PostgreSQL follower', () => {
  it.each(wireCounts.map((each) => ({ each, title: titleOf(each) })))(
    'are what was accepted: $title',
    async ({ each, title }) => {
      expect(complaints(title, accepted[title], await countWire(each))).toEqual([]);
    },
  );
});
