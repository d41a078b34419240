/** What one group of tables is made of, and what happens to it. Each statement is a transaction of its own, unless it says otherwise. */
export interface Workload {
  readonly tables: readonly TableName[];
  /** Tables, and the rows that the snapshots find. */
  readonly setUp: readonly string[];
  /** What happens while both stream. */
  readonly changes: readonly string[];
}

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export const inPublic = (...names: readonly string[]): TableName[] =>
  names.map((name) => ({ schema: 'public', name }));

export const joined = (workloads: readonly Workload[]): Workload => ({
  tables: workloads.flatMap(({ tables }) => tables),
  setUp: workloads.flatMap(({ setUp }) => setUp),
  changes: workloads.flatMap(({ changes }) => changes),
});
