import { describe, expect, it } from 'vitest';
import { assert, Fault, isFault, toFault } from './fault.js';
import { faultCatalogue } from './fault-catalogue.js';

describe('Fault', () => {
  it('carries its code, what happened, the cause and the remedy', () => {
    const cause = new Error('socket closed');
    const fault = new Fault('MR-2012', { detail: 'slot millrace_shop at 0/16B3748', cause });
    expect(fault.message).toBe('MR-2012 ConnectionLost: slot millrace_shop at 0/16B3748');
    expect(fault.cause).toBe(cause);
    expect(fault.remedy).toBe(faultCatalogue['MR-2012'].remedy);
    expect(isFault(fault, 'MR-2012')).toBe(true);
    expect(isFault(fault, 'MR-2011')).toBe(false);
  });

  it('wraps what is not a fault as our bug, with its cause', () => {
    const cause = new TypeError('x is undefined');
    expect(toFault(cause)).toMatchObject({ code: 'MR-9001', cause });
    expect(() => assert(false, 'positions never go back')).toThrow(/MR-9001.*positions never go back/);
  });

  it('has a cause and a remedy for every code, and an exit code of the documented set', () => {
    const exits = new Set([1, 64, 65, 69, 70, 75, 77, 78]);
    for (const [code, entry] of Object.entries(faultCatalogue)) {
      expect(code).toMatch(/^MR-\d{4}$/);
      expect(entry.cause.length).toBeGreaterThan(10);
      expect(entry.remedy.length).toBeGreaterThan(10);
      expect(exits.has(entry.exit)).toBe(true);
    }
  });

  it('names each code once', () => {
    const names = Object.values(faultCatalogue).map((entry) => entry.name);
    expect(new Set(names).size).toBe(names.length);
  });
});
