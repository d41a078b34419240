import type { FollowerTransaction, MirroredTable } from '@millrace/follower';
import type { OpenRecord, SchemaRecord, TopicRelation } from '@millrace/log';
import { diffRelations, relationName, type SchemaChange, sameRelation } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import type { SchemaPolicy } from '../policies.js';
import { keepShape, type Standing } from '../session/standing.js';
import type { Topics } from '../session/topics.js';
import type { Tables } from './tables.js';

/** What a schema record comes to for this follower. Pure; made before its transaction begins. */
export interface SchemaStep {
  readonly topic: number;
  /** The table as it will be. */
  readonly table: MirroredTable;
  readonly changes: readonly SchemaChange[];
  /** The topic under which the table was mirrored before, when it was renamed. */
  readonly renamedFrom?: number;
}

export interface SchemaContext {
  readonly tables: Tables;
  readonly topics: Topics;
  readonly policy: SchemaPolicy;
}

/** The step of a `schema` record, and the standing with the shapes that events still to come may carry (R37). */
export function planSchema(
  record: SchemaRecord,
  after: Standing,
  context: SchemaContext,
): { readonly step: SchemaStep; readonly standing: Standing } {
  const { shape, changes } = record;
  const current = context.tables.get(shape.topic);
  const renamed = current ? undefined : context.tables.renamed(shape.relation.id, shape.topic);
  const was = current ?? renamed?.[1];
  // A table of another log may carry the same version number for another shape: no event of this log has that one.
  const standing =
    was && was.version !== shape.version
      ? keepShape(after, { topic: shape.topic, version: was.version, relation: was.relation, until: 'next' })
      : after;
  const effective = was ? changes : createTable;
  const isChange = was !== undefined && effective.some(({ kind }) => kind !== 'create-table');
  if (isChange && context.policy === 'strict') throw refused(shape, changes);
  const step = stepOf(shape, effective, after, context, renamed?.[0]);
  if (!isChange || context.policy === 'evolve') return { step, standing };
  // Policy `ignore`: the table keeps its columns and takes the version; its events are read in their own shape.
  const table = { ...step.table, relation: was.relation };
  return {
    step: { ...step, table, changes: [] },
    standing: keepShape(standing, { ...shape, until: 'kept' }),
  };
}

const createTable: readonly SchemaChange[] = [{ kind: 'create-table' }];

function stepOf(
  shape: TopicRelation,
  changes: readonly SchemaChange[],
  after: Standing,
  { topics }: SchemaContext,
  renamedFrom: number | undefined,
): SchemaStep {
  const table: MirroredTable = {
    topic: topics.nameOf(shape.topic),
    version: shape.version,
    relation: shape.relation,
    state: after.building.has(shape.topic) ? 'building' : 'exact',
  };
  return { topic: shape.topic, table, changes, ...(renamedFrom === undefined ? {} : { renamedFrom }) };
}

/**
 * The steps that make the follower's tables those of an `open`: at a registration at an anchor, all of them; at a later
 * checkpoint none, since every shape came by its own record.
 */
export function planAdoption(record: OpenRecord, after: Standing, context: SchemaContext): SchemaStep[] {
  const steps: SchemaStep[] = [];
  for (const shape of record.relations) {
    const current = context.tables.get(shape.topic);
    const state = after.building.has(shape.topic) ? 'building' : 'exact';
    if (current && isAdopted(current, shape) && current.state === state) continue;
    const renamed = current ? undefined : context.tables.renamed(shape.relation.id, shape.topic);
    const was = current ?? renamed?.[1];
    const changes = [
      ...(renamed
        ? [
            {
              kind: 'rename-table',
              from: { schema: renamed[1].relation.schema, name: renamed[1].relation.name },
            } as const,
          ]
        : []),
      ...diffRelations(was?.relation, shape.relation).filter(({ kind }) => kind !== 'rename-table'),
    ];
    steps.push(stepOf(shape, changes, after, context, renamed?.[0]));
  }
  return steps;
}

/** Versions count per log: after a resync into another one, the same number may stand for another shape. */
const isAdopted = (table: MirroredTable, shape: TopicRelation): boolean =>
  table.version === shape.version && sameRelation(table.relation, shape.relation);

/** Makes the change in the follower's transaction, at its place in the stream. */
export async function takeSchemaStep(transaction: FollowerTransaction, step: SchemaStep): Promise<void> {
  await transaction.evolve(step.table, step.changes);
}

/** What the session knows of its tables once the transaction has committed. */
export function adoptStep(tables: Tables, step: SchemaStep): void {
  if (step.renamedFrom !== undefined) tables.delete(step.renamedFrom);
  tables.set(step.topic, step.table);
}

function refused(shape: TopicRelation, changes: readonly SchemaChange[]): Fault {
  const kinds = changes.map(({ kind }) => kind).join(', ');
  return new Fault('MR-4008', {
    detail: `${relationName(shape.relation)} changed on the leader (${kinds}) and the policy is strict`,
    context: { table: relationName(shape.relation), version: shape.version },
  });
}
