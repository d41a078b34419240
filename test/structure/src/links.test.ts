import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { anchorsOf, brokenLinks, linksOf, pagesLedTo, pagesUnder } from './links.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

describe('the documentation', () => {
  const pages = pagesUnder(root);
  it('is found', () => {
    expect(pages).toContain(join('docs', 'README.md'));
    expect(pages.filter((page) => page.startsWith('docs')).length).toBeGreaterThan(10);
  });
  it('has no link that leads nowhere', () => {
    expect(brokenLinks(root, pages)).toEqual([]);
  });
  it('has no page below docs/ that its index does not lead to', () => {
    const led = pagesLedTo(root, join('docs', 'README.md'));
    expect(pages.filter((page) => page.startsWith('docs') && !led.has(page))).toEqual([]);
  });
});

describe('the search for broken links', () => {
  it('finds a missing file, a missing heading and a way out of the repository, and nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-links-'));
    try {
      mkdirSync(join(folder, 'docs'));
      writeFileSync(join(folder, 'docs/a.md'), '# Title\n\n## Two words\n\n## Two words\n');
      writeFileSync(
        join(folder, 'b.md'),
        [
          '[fine](docs/a.md) [fine](docs/a.md#two-words-1) [fine](docs) [web](https://example.org/x) `[code](no.md)`',
          '```\n[code](no.md)\n```',
          '[gone](docs/no.md) [gone](docs/a.md#three) [gone](../x.md)',
        ].join('\n'),
      );
      expect(brokenLinks(folder, pagesUnder(folder)).map(({ target }) => target)).toEqual([
        'docs/no.md',
        'docs/a.md#three',
        '../x.md',
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
  it('reads targets as Markdown does, and anchors as GitHub makes them', () => {
    expect(linksOf('[a](b.md "title") ![i](<c d.png>) [x](#y)')).toEqual(['b.md', 'c d.png', '#y']);
    expect([...anchorsOf('# 8a. Schema `changes`: what, where?\n## [A link](x.md)')]).toEqual([
      '8a-schema-changes-what-where',
      'a-link',
    ]);
  });
});
