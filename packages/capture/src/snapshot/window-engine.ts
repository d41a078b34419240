import type { ChunkNote, SnapshotState } from '@millrace/log';
import type { Change, Lsn, RowImage, TransactionStart } from '@millrace/model';
import type { Watermark } from '../source.js';
import type { Shape } from '../stream/shape.js';

export class WindowEngine {
  get watching(): boolean {
    return false;
  }
  begin(_start: TransactionStart): void {}
  change(_shape: Shape, _change: Change): void {}
  mark(_mark: Watermark): void {}
  moved(_shape: Shape, _after: RowImage): void {}
  commit(): void {}
  takeRepairs(): ((snapshots: readonly SnapshotState[]) => readonly SnapshotState[]) | undefined {
    return undefined;
  }
  takeChunk(_start: TransactionStart, _end: Lsn): (() => Promise<void>) | undefined {
    return undefined;
  }
}
export type { ChunkNote };
