import type { FollowerTransaction } from '@millrace/follower';
import { batchOf, shapes } from '@millrace/follower/conformance';
import type { Row } from '@millrace/model';

/** Transaction number k of a workload that can be told again: upserts, a patch, a delete. */
const rowsPerTransaction = 40;
const ids = 400;

export const items = shapes.itemsTable();

interface Step {
  readonly upserts: readonly Row[];
  readonly patches: readonly Row[];
  readonly deletes: readonly Row[];
}

function stepOf(k: number, present: ReadonlyMap<string, Row>): Step {
  const first = (k * 13) % ids;
  const upserts = Array.from(
    { length: rowsPerTransaction },
    (_, i): Row => [`${(first + i) % ids}`, `name ${k}`, `${k}.0000000000`, 'note'],
  );
  const touched = new Set(upserts.map((row) => row[0]));
  const others = [...present.keys()].filter((id) => !touched.has(id));
  const patched = others[k % Math.max(1, others.length)];
  const deleted = others[(k * 7 + 1) % Math.max(1, others.length)];
  return {
    upserts,
    patches: patched === undefined ? [] : [[patched, `patched ${k}`, undefined, undefined]],
    deletes: deleted === undefined || deleted === patched ? [] : [[deleted]],
  };
}

/** Applies transaction k to the model, and to the follower when there is one. */
export async function play(k: number, model: Map<string, Row>, tx?: FollowerTransaction): Promise<void> {
  const step = stepOf(k, model);
  await tx?.write(batchOf(items, step));
  for (const [id] of step.deletes) model.delete(id as string);
  for (const patch of step.patches) {
    const old = model.get(patch[0] as string) as Row;
    model.set(
      patch[0] as string,
      patch.map((cell, i) => (cell === undefined ? (old[i] as string) : cell)),
    );
  }
  for (const row of step.upserts) model.set(row[0] as string, row);
}
