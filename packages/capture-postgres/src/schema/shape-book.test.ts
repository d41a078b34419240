import type { Relation } from '@millrace/model';
import type { ColumnJson, RelationJson } from '@millrace/postgres';
import { describe, expect, it } from 'vitest';
import type { RelationMessage } from '../pgoutput/messages.js';
import { parseAnnouncement } from './announcement.js';
import { describeRewrite, writtenLater } from './rewrite.js';
import { type CatalogueView, ShapeBook } from './shape-book.js';

type ColumnSpec = readonly [attnum: number, name: string, type: number, facts?: Partial<ColumnJson>];

/** Table 1, `public.t`, its first column the primary key. */
function json(columns: readonly ColumnSpec[], more: Partial<RelationJson> = {}): RelationJson {
  return {
    id: 1,
    schema: 'public',
    name: 't',
    kind: 'r',
    persistence: 'p',
    identity: 'd',
    filenode: 100,
    primaryKey: [columns[0]?.[0] as number],
    identityIndex: null,
    columns: columns.map(([attnum, name, type, facts]) => ({
      attnum,
      name,
      type,
      typmod: -1,
      notNull: false,
      generated: '',
      hasDefault: false,
      hasMissing: false,
      missing: null,
      collation: null,
      ...facts,
    })),
    types: [20, 23, 25].map((oid) => ({
      oid,
      typmod: -1,
      schema: 'pg_catalog',
      name: `type${oid}`,
      typtype: 'b',
      array: false,
      element: 0,
      base: 0,
      baseTypmod: -1,
      sql: `type${oid}`,
      labels: null,
    })),
    ...more,
  };
}

function message(columns: readonly (readonly [name: string, type: number])[], name = 't'): RelationMessage {
  return {
    id: 1,
    schema: 'public',
    name,
    identity: 'd',
    columns: columns.map(([column, type], i) => ({ name: column, type, typmod: -1, key: i === 0 })),
  };
}

const view = (description: RelationJson | undefined, writtenBy: readonly number[] = [50]): CatalogueView => ({
  description: description && { json: description, estimatedRows: -1, writtenBy },
  columnList: false,
  isPart: false,
  nextXid: 200,
});

const attnums = (relation: Relation): number[] => relation.columns.map((column) => column.attnum);
const streamXid = 100;

/** The shape in force after settling one message with the catalogue. */
function bookWith(description: RelationJson, announcing = false): ShapeBook {
  const book = new ShapeBook([], announcing);
  book.settleWith(
    message((description.columns ?? []).map((column) => [column.name, column.type] as const)),
    streamXid,
    view(description),
  );
  return book;
}

const ab = json([
  [1, 'a', 23],
  [2, 'b', 25],
]);
const abMessage = message([
  ['a', 23],
  ['b', 25],
]);

describe('with announcements from the leader', () => {
  it('a rename and a drop with an add of the same type are told apart by attribute number (R37)', () => {
    const renamed = bookWith(ab, true);
    renamed.announce({
      kind: 'shape',
      json: json([
        [1, 'a', 23],
        [2, 'c', 25],
      ]),
    });
    expect(
      attnums(
        renamed.settle(
          message([
            ['a', 23],
            ['c', 25],
          ]),
        )?.relation as Relation,
      ),
    ).toEqual([1, 2]);

    const replaced = bookWith(ab, true);
    replaced.announce({
      kind: 'shape',
      json: json([
        [1, 'a', 23],
        [3, 'c', 25],
      ]),
    });
    expect(
      attnums(
        replaced.settle(
          message([
            ['a', 23],
            ['c', 25],
          ]),
        )?.relation as Relation,
      ),
    ).toEqual([1, 3]);
  });

  it('a column that was dropped and made again under its name is a new one', () => {
    const book = bookWith(ab, true);
    book.announce({
      kind: 'shape',
      json: json([
        [1, 'a', 23],
        [3, 'b', 25],
      ]),
    });
    const settled = book.settle(abMessage);
    expect(settled?.certainty).toEqual({ certain: true });
    expect(attnums(settled?.relation as Relation)).toEqual([1, 3]);
  });

  it('a change is told at its place, before any event, and not again with the event', () => {
    const book = bookWith(ab, true);
    book.announce({
      kind: 'shape',
      json: json([
        [1, 'a', 23],
        [2, 'b', 25],
        [3, 'c', 23],
      ]),
    });
    expect(attnums(book.announcedNews(1, false)?.relation as Relation)).toEqual([1, 2, 3]);
    expect(
      book.settle(
        message([
          ['a', 23],
          ['b', 25],
          ['c', 23],
        ]),
      )?.certainty,
    ).toBeUndefined();
  });

  it('tables that nothing is known of are not told before their first event', () => {
    const book = new ShapeBook([], true);
    book.announce({ kind: 'shape', json: ab });
    expect(book.announcedNews(1, false)).toBeUndefined();
    expect(book.settle(abMessage)?.certainty).toEqual({ certain: true });
  });

  it('a rewrite is reported once, with its reason (R38)', () => {
    const book = bookWith(ab, true);
    book.announce({ kind: 'rewrite', table: 1, reason: 4 });
    book.announce({
      kind: 'shape',
      json: json([
        [1, 'a', 20],
        [2, 'b', 25],
      ]),
    });
    expect(book.announcedNews(1, false)?.certainty).toMatchObject({
      certain: true,
      rewritten: expect.any(String),
    });
    expect(
      book.settle(
        message([
          ['a', 20],
          ['b', 25],
        ]),
      )?.certainty,
    ).toBeUndefined();
  });

  it('the shape in force needs no catalogue while nothing was announced, and the catalogue after an unknown change', () => {
    const book = new ShapeBook([bookWith(ab).settleWith(abMessage, streamXid, view(ab)).relation], true);
    expect(book.settle(abMessage)?.certainty).toEqual({ certain: true });
    book.announce({ kind: 'unknown' });
    expect(book.settle(abMessage)).toBeUndefined();
  });
});

describe('with the catalogue alone', () => {
  it('an exact match that was written before the stream’s place is certain', () => {
    const book = new ShapeBook([], false);
    expect(book.settle(abMessage)).toBeUndefined();
    expect(book.settleWith(abMessage, streamXid, view(ab)).certainty).toEqual({ certain: true });
    expect(book.settleWith(abMessage, streamXid, view(ab)).certainty).toBeUndefined();
  });

  it.each([
    [
      'another name',
      json([
        [1, 'a', 23],
        [2, 'c', 25],
      ]),
    ],
    [
      'another type',
      json([
        [1, 'a', 23],
        [2, 'b', 20],
      ]),
    ],
    [
      'one column more',
      json([
        [1, 'a', 23],
        [2, 'b', 25],
        [3, 'c', 25],
      ]),
    ],
    ['another table name', { ...ab, name: 'u' }],
    ['another identity', { ...ab, identity: 'f' }],
    ['no table', undefined],
  ])('a catalogue that says %s has moved on: uncertain (R38)', (_, description) => {
    const settled = new ShapeBook([], false).settleWith(abMessage, streamXid, view(description));
    expect(settled.certainty).toMatchObject({ certain: false });
    // Identities that nobody knows must not look like real ones.
    expect(Math.min(...attnums(settled.relation))).toBeGreaterThan(1600);
  });

  it('a match that was written after the stream’s place is uncertain, unless the identities prove that nothing changed', () => {
    const later = view(ab, [50, 150]);
    expect(new ShapeBook([], false).settleWith(abMessage, streamXid, later).certainty).toMatchObject({
      certain: false,
    });
    expect(bookWith(ab).settleWith(abMessage, streamXid, later).certainty).toBeUndefined();
    const replaced = view(
      json([
        [1, 'a', 23],
        [3, 'b', 25],
      ]),
      [50, 150],
    );
    expect(bookWith(ab).settleWith(abMessage, streamXid, replaced).certainty).toMatchObject({
      certain: false,
    });
  });

  it('an unchanged filenode proves that old rows stayed as they were', () => {
    const added = json([
      [1, 'a', 23],
      [2, 'b', 25],
      [3, 'c', 23, { hasDefault: true, notNull: true }],
    ]);
    const news = message([
      ['a', 23],
      ['b', 25],
      ['c', 23],
    ]);
    expect(bookWith(ab).settleWith(news, streamXid, view(added)).certainty).toEqual({ certain: true });
    const moved = { ...added, filenode: 101 };
    expect(bookWith(ab).settleWith(news, streamXid, view(moved)).certainty).toMatchObject({
      rewritten: expect.any(String),
    });
  });

  it('a new column with a recorded value for old rows, or none, needs no repair', () => {
    const news = message([
      ['a', 23],
      ['b', 25],
      ['c', 23],
    ]);
    for (const facts of [{ hasDefault: true, hasMissing: true, missing: '7', notNull: true }, {}]) {
      const added = json(
        [
          [1, 'a', 23],
          [2, 'b', 25],
          [3, 'c', 23, facts],
        ],
        { filenode: 101 },
      );
      expect(bookWith(ab).settleWith(news, streamXid, view(added)).certainty).toEqual({ certain: true });
    }
  });

  it('a changed type is a rewrite when the rows have moved', () => {
    const retyped = json(
      [
        [1, 'a', 20],
        [2, 'b', 25],
      ],
      { filenode: 101 },
    );
    const settled = bookWith(ab).settleWith(
      message([
        ['a', 20],
        ['b', 25],
      ]),
      streamXid,
      view(retyped),
    );
    expect(settled.certainty).toMatchObject({ rewritten: expect.stringContaining('type of column a') });
  });

  it('columns that the publication leaves out need a column list, or to be generated', () => {
    const wide = json([
      [1, 'a', 23],
      [2, 'b', 25],
      [3, 'secret', 25],
    ]);
    const listed = { ...view(wide), columnList: true };
    expect(new ShapeBook([], false).settleWith(abMessage, streamXid, listed).certainty).toEqual({
      certain: true,
    });
    const generated = json([
      [1, 'a', 23],
      [2, 'b', 25],
      [3, 'g', 25, { generated: 's' }],
    ]);
    expect(new ShapeBook([], false).settleWith(abMessage, streamXid, view(generated)).certainty).toEqual({
      certain: true,
    });
  });
});

describe('transaction ids', () => {
  it('are later only between the stream’s and the server’s next, around the wrap too', () => {
    expect(writtenLater([100], 100, 200)).toBe(false);
    expect(writtenLater([99, 101], 100, 200)).toBe(true);
    expect(writtenLater([200, 3_000_000_000], 100, 200)).toBe(false);
    expect(writtenLater([2], 0xffff_fff0, 20)).toBe(true);
    expect(writtenLater([0xffff_fff1], 0xffff_fff0, 20)).toBe(true);
    expect(writtenLater([0xffff_ffe0], 0xffff_fff0, 20)).toBe(false);
  });
});

describe('announcements', () => {
  it('are parsed, and unknown ones are told as such', () => {
    expect(parseAnnouncement('{"v":1,"rewrite":5,"reason":2}')).toEqual({
      kind: 'rewrite',
      table: 5,
      reason: 2,
    });
    expect(parseAnnouncement(JSON.stringify({ v: 1, relation: ab }))).toEqual({ kind: 'shape', json: ab });
    expect(parseAnnouncement('{"v":1,"unknown":true}')).toEqual({ kind: 'unknown' });
    expect(parseAnnouncement('{"v":2}')).toEqual({ kind: 'unknown' });
    expect(parseAnnouncement('null')).toEqual({ kind: 'unknown' });
    expect(() => parseAnnouncement('{')).toThrow(/MR-2011/);
  });

  it('name every reason for which values can change', () => {
    expect(describeRewrite(8)).toBeUndefined();
    expect(describeRewrite(2 | 4)).toMatch(/default.*type/);
  });
});
