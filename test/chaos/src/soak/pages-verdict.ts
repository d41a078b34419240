import { type Finding, judged } from './verdict.js';

/** What a webhook's body says of an alert. */
export interface PageNews {
  readonly type: 'page' | 'resolve';
  readonly key: string;
  readonly title: string;
}

export function newsOf(body: string): PageNews {
  const { data } = JSON.parse(body) as {
    data: { type: 'page' | 'resolve'; dedup_key: string; title: string };
  };
  return { type: data.type, key: data.dedup_key, title: data.title };
}

/** Keys whose last word was a page. */
export function openPages(news: readonly PageNews[]): readonly string[] {
  const last = new Map(news.map(({ key, type }) => [key, type]));
  return [...last].filter(([, type]) => type === 'page').map(([key]) => key);
}

/** Every page is followed by its resolve, no resolve comes without its page, none stays open. */
export function judgePages(news: readonly PageNews[]): Finding[] {
  const open = new Set<string>();
  const orphans: string[] = [];
  for (const { key, type } of news) {
    // A page said again is an escalation or a reminder.
    if (type === 'page') open.add(key);
    else if (!open.delete(key)) orphans.push(key);
  }
  const pages = news.filter(({ type }) => type === 'page').length;
  return [
    judged('no page stays open', open.size === 0, open.size === 0 ? `${pages} pages` : [...open].join(', ')),
    judged(
      'no resolve without its page',
      orphans.length === 0,
      orphans.join(', ') || `${news.length - pages} resolves`,
    ),
  ];
}
