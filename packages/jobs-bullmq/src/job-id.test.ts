import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bullId, idOf } from './job-id.js';

it('makes of any text an id that BullMQ takes, and the same text of that id', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[%:0-9A-F.]*$/)), (id) => {
      const made = bullId(id);
      expect(idOf(made)).toBe(id);
      expect(made).not.toContain(':');
      expect(String(Number.parseInt(made, 10))).not.toBe(made);
    }),
  );
});
