import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** A link of a page that leads nowhere. */
export interface BrokenLink {
  /** From the workspace's root, with slashes. */
  readonly page: string;
  readonly target: string;
  readonly reason: string;
}

const skipped = new Set(['node_modules', 'dist', '.git', '.turbo']);
const fence = /^ *(```|~~~)[^\n]*\n[\s\S]*?^ *\1[^\n]*$/gm;
const inlineCode = /(`+)(?!`)[^\n]*?[^`]\1(?!`)/g;
const link = /\[(?:[^\]\\]|\\.)*\]\((?:<([^>]*)>|([^)\s]+))(?:\s+"[^"]*")?\)/g;
const outside = /^[a-z][a-z0-9+.-]*:/i;

/** Every Markdown page below `root`, from there, in order. */
export function pagesUnder(root: string, folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      if (skipped.has(entry.name)) return [];
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return pagesUnder(root, path);
      return entry.name.endsWith('.md') ? [relative(root, path)] : [];
    })
    .sort();
}

/** Targets of a page's links, code left out. */
export function linksOf(text: string): string[] {
  const prose = text.replace(fence, '').replace(inlineCode, (code) => ' '.repeat(code.length));
  return [...prose.matchAll(link)].map((match) => match[1] ?? match[2] ?? '');
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replace(fence, '').matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const base = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = base;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${base}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Links between the files of the workspace that lead nowhere. Addresses on the web are not asked. */
export function brokenLinks(root: string, pages: readonly string[]): BrokenLink[] {
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    return linksOf(text).flatMap((target) => {
      const reason = outside.test(target) ? undefined : whyBroken(root, page, text, target);
      return reason === undefined ? [] : [{ page, target, reason }];
    });
  });
}

/** The pages that one comes to from `start` by links. */
export function pagesLedTo(root: string, start: string): Set<string> {
  const led = new Set<string>();
  const waiting = [start];
  for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
    const path = join(root, page);
    if (led.has(page) || !page.endsWith('.md') || !existsSync(path)) continue;
    led.add(page);
    for (const target of linksOf(readFileSync(path, 'utf8')))
      if (!outside.test(target)) waiting.push(join(dirname(page), target.split('#', 1)[0] || '.'));
  }
  return led;
}

function whyBroken(root: string, page: string, text: string, target: string): string | undefined {
  const [path = '', anchor] = decodeURIComponent(target).split('#', 2);
  const file = path === '' ? join(root, page) : resolve(root, dirname(page), path);
  if (relative(root, file).startsWith('..')) return 'leaves the repository';
  if (!existsSync(file)) return 'there is no such file';
  if (anchor === undefined || statSync(file).isDirectory() || !file.endsWith('.md')) return undefined;
  const other = path === '' ? text : readFileSync(file, 'utf8');
  return anchorsOf(other).has(anchor) ? undefined : 'the page has no such heading';
}
