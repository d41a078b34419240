import { capture } from './capture.js';
import { decode } from './decode.js';
import type { Stage } from './stage.js';

export const stageNames = ['decode', 'capture-avro', 'capture-json'] as const;

export type StageName = (typeof stageNames)[number];

export const stages: Readonly<Record<StageName, Stage>> = {
  decode: (recording) => decode(recording),
  'capture-avro': (recording) => capture(recording, 'avro'),
  'capture-json': (recording) => capture(recording, 'json'),
};
