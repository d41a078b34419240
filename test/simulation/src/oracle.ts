import type { MemoryCommit, MemoryLeader, Reshape } from '@millrace/capture';
import type { MemoryState } from '@millrace/follower';
import { type Cell, formatPosition, type Position, type Relation, type Row } from '@millrace/model';
import { bank, bankTotal, shopTables } from './shop.js';

/** What the simulation finds wrong. Thrown out of the run with the seed. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}

/** A table as a memory follower holds it. */
interface HeldTable {
  readonly mirrored: { readonly relation: Relation };
  rows(): Iterable<Row>;
}

/** The text of a whole table, equal iff the tables are: column names and rows in one order. */
type TableText = string;

interface TableReplay {
  relation: Relation;
  rows: string[];
  /** Shapes that no event has carried yet: followers learn of a shape by its first event (R37), or sooner. */
  pending: Reshape[];
  texts: readonly TableText[] | undefined;
}

/** A replay of the leader's commits, written anew: it shares no code with what it judges. */
export class Replay {
  readonly #tables = new Map<number, TableReplay>();

  constructor(tables: readonly Relation[]) {
    for (const relation of tables)
      this.#tables.set(relation.id, { relation, rows: [], pending: [], texts: undefined });
  }

  apply(commit: MemoryCommit): void {
    for (const reshape of commit.reshapes) {
      const table = this.#tables.get(reshape.relation.id);
      if (!table) continue;
      table.pending.push(reshape);
      table.texts = undefined;
    }
    for (const { op, relation, before, after } of commit.changes) {
      const table = this.#tables.get(relation.id);
      if (!table) continue;
      for (const reshape of table.pending.splice(0)) reshapeTable(table, reshape);
      table.texts = undefined;
      if (op === 'truncate') table.rows = [];
      if (before) takeOut(table.rows, JSON.stringify(before));
      if (after) table.rows.push(JSON.stringify(after));
    }
  }

  /** What the table may look like in a follower: with none, some or all of the shapes that no event has carried yet. */
  texts(id: number): readonly TableText[] {
    const table = this.#tables.get(id) as TableReplay;
    table.texts ??= textsWith(table, table.pending);
    return table.texts;
  }

  /**
   * A shape stands in the log before its first event, so a follower may have it before its position covers the change: what
   * the table looks like with the shapes to come, up to the next commit that writes it.
   */
  textsAhead(id: number, later: readonly MemoryCommit[]): readonly TableText[] {
    const table = this.#tables.get(id) as TableReplay;
    const coming: Reshape[] = [];
    for (const { reshapes, changes } of later) {
      coming.push(...reshapes.filter(({ relation }) => relation.id === id));
      if (changes.some(({ relation }) => relation.id === id)) break;
    }
    return textsWith(table, [...table.pending, ...coming]);
  }
}

function textsWith(table: TableReplay, reshapes: readonly Reshape[]): TableText[] {
  const ahead: TableReplay = { ...table, rows: [...table.rows] };
  const texts = [textOf(ahead.relation, ahead.rows)];
  for (const reshape of reshapes) {
    reshapeTable(ahead, reshape);
    texts.push(textOf(ahead.relation, ahead.rows));
  }
  return texts;
}

function takeOut(rows: string[], row: string): void {
  const at = rows.indexOf(row);
  if (at < 0) throw new Violation('load', `the leader changed a row that its commits do not hold: ${row}`);
  rows.splice(at, 1);
}

function reshapeTable(table: TableReplay, { relation, map }: Reshape): void {
  table.relation = relation;
  table.rows = table.rows.map((row) => JSON.stringify(map(JSON.parse(row) as Row)));
}

const textOf = (relation: Relation, rows: readonly string[]): TableText =>
  `${relation.columns.map(({ name }) => name).join()}\n${[...rows].sort().join('\n')}`;

/**
 * Judges followers by the leader's own list of commits: at any moment an exact follower equals the replay of the prefix that its
 * position names (I3), and the bank's sum is what it always was.
 */
export class Oracle {
  readonly #leader: MemoryLeader;
  /** Commits of the leader's timelines that are over: a failover ends one. */
  readonly #timelines: (readonly MemoryCommit[])[] = [];
  readonly #timelineOf: (history: number) => number;
  readonly #prefixes = new Map<string, Map<number, readonly TableText[]>>();
  #walk: { readonly timeline: number; readonly replay: Replay; commits: number } | undefined;
  readonly #texts = new WeakMap<object, TableText>();
  checks = 0;

  /** `timelineOf`: which timeline of the leader a history of the log follows, counted from 1. */
  constructor(leader: MemoryLeader, timelineOf: (history: number) => number = () => 1) {
    this.#leader = leader;
    this.#timelineOf = timelineOf;
  }

  /** The leader is about to fail over: what it had so far is the timeline that ends. */
  endTimeline(): void {
    this.#timelines.push([...this.#leader.commits]);
  }

  /** True when the position names the leader's present timeline and its last commit. */
  isAtHead({ history, end }: Position): boolean {
    const last = this.#leader.commits.at(-1);
    return this.#timelineOf(history) > this.#timelines.length && (last === undefined || end >= last.end);
  }

  /** I3: the follower as committed just now. */
  judge(follower: string, state: MemoryState): void {
    const { row, tables } = state;
    if (row?.state !== 'exact') return;
    this.checks++;
    const expected = this.#prefix(row.position);
    for (const table of shopTables) {
      const held = [...tables.values()].find(({ mirrored }) => mirrored.relation.id === table.id);
      const found = held ? this.#textOf(held) : undefined;
      const wanted = expected.get(table.id) ?? [];
      if (found === undefined ? wanted.some(isEmpty) : wanted.includes(found)) continue;
      if (found !== undefined && this.#ahead(row.position, table.id).includes(found)) continue;
      throw new Violation(
        'I3',
        `${follower} at ${formatPosition(row.position)} does not equal the leader’s prefix in table ${table.name}\n  wanted ${wanted.map(show).join(' or ')}\n  found  ${show(found)}`,
      );
    }
    this.#checkBank(follower, state);
  }

  #checkBank(follower: string, { tables }: MemoryState): void {
    const held = [...tables.values()].find(({ mirrored }) => mirrored.relation.id === bank.id);
    const rows = held ? [...held.rows()] : [];
    const sum = rows.reduce((total, row) => total + Number(row[1]), 0);
    if (rows.length > 0 && sum !== bankTotal)
      throw new Violation('I3', `${follower}: the balances add up to ${sum} instead of ${bankTotal}`);
  }

  #textOf(table: HeldTable): TableText {
    const known = this.#texts.get(table);
    if (known !== undefined) return known;
    const rows = Array.from(table.rows(), (row) => JSON.stringify(row.map((cell): Cell => cell ?? null)));
    const text = textOf(table.mirrored.relation, rows);
    this.#texts.set(table, text);
    return text;
  }

  #ahead(position: Position, table: number): readonly TableText[] {
    const commits = this.#commitsOf(position);
    const count = covered(commits, position);
    return this.#replayTo(this.#timelineOf(position.history), commits, count).textsAhead(
      table,
      commits.slice(count),
    );
  }

  #commitsOf(position: Position): readonly MemoryCommit[] {
    return this.#timelines[this.#timelineOf(position.history) - 1] ?? this.#leader.commits;
  }

  /** The tables after every commit that the position covers. */
  #prefix(position: Position): Map<number, readonly TableText[]> {
    const commits = this.#commitsOf(position);
    const count = covered(commits, position);
    const timeline = this.#timelineOf(position.history);
    const key = `${timeline}/${count}`;
    const known = this.#prefixes.get(key);
    if (known) return known;
    const replay = this.#replayTo(timeline, commits, count);
    const texts = new Map(shopTables.map(({ id }) => [id, replay.texts(id)] as const));
    this.#prefixes.set(key, texts);
    return texts;
  }

  #replayTo(timeline: number, commits: readonly MemoryCommit[], count: number): Replay {
    if (!this.#walk || this.#walk.timeline !== timeline || this.#walk.commits > count)
      this.#walk = { timeline, replay: new Replay(shopTables), commits: 0 };
    const walk = this.#walk;
    while (walk.commits < count) walk.replay.apply(commits[walk.commits++] as MemoryCommit);
    return walk.replay;
  }
}

/** How many commits the position covers (R1). */
function covered(commits: readonly MemoryCommit[], position: Position): number {
  let count = 0;
  while (count < commits.length && (commits[count] as MemoryCommit).commit < position.end) count++;
  return count;
}

const isEmpty = (text: TableText): boolean => text.slice(text.indexOf('\n') + 1) === '';
const show = (text: TableText | undefined): string => text?.replaceAll('\n', ' ') ?? 'no such table';
