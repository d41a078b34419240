import { apply } from './apply.js';
import { capture } from './capture.js';
import { decode } from './decode.js';
import { duckdb } from './duckdb.js';
import type { Stage } from './stage.js';

export const stageNames = [
  'decode',
  'capture-avro',
  'capture-json',
  'apply-avro',
  'apply-json',
  'duckdb',
] as const;

export type StageName = (typeof stageNames)[number];

export const stages: Readonly<Record<StageName, Stage>> = {
  decode: (recording) => decode(recording),
  'capture-avro': (recording) => capture(recording, 'avro'),
  'capture-json': (recording) => capture(recording, 'json'),
  'apply-avro': (recording) => apply(recording, 'avro'),
  'apply-json': (recording) => apply(recording, 'json'),
  duckdb,
};
