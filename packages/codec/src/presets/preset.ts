import type { ColumnType } from '@millrace/model';
import type { Coding } from '../values/coding.js';

/** How types are carried: `lossless` exactly, `debezium` as Debezium does by default. */
export type PresetName = 'lossless' | 'debezium';

export interface Preset {
  readonly name: PresetName;
  /** True: names that Avro's rule makes equal are an error, as in Debezium. False: they are spelled out. */
  readonly strictNames: boolean;
  /** Undefined: the column is left out of events, with this preset's reason in `inexactColumns`. */
  coding(type: ColumnType): Coding | undefined;
}
