import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteIdentifier, quoteLiteral, quoteNullable, quoteQualified } from './quote.js';

describe('quoting', () => {
  it('doubles quotes and keeps everything else of a name', () => {
    expect(quoteIdentifier('a"b.c D')).toBe('"a""b.c D"');
    expect(quoteQualified('__proto__', 'constructor')).toBe('"__proto__"."constructor"');
  });

  it('marks backslashes so that no server setting changes what they mean', () => {
    expect(quoteLiteral("it's")).toBe("'it''s'");
    expect(quoteLiteral("\\'; DROP TABLE x; --")).toBe("E'\\\\''; DROP TABLE x; --'");
    expect(quoteNullable(null)).toBe('NULL');
  });

  it('refuses a NUL', () => {
    expect(() => quoteIdentifier('a\0')).toThrow(/MR-9001/);
    expect(() => quoteLiteral('a\0')).toThrow(/MR-9001/);
  });

  it('never leaves a quote open, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('\0'));
        const inside = quoteIdentifier(text).slice(1, -1);
        expect(inside.replaceAll('""', '')).not.toContain('"');
      }),
    );
  });
});
