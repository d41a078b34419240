// One stage on one recording, in a process of its own: `child.ts <stage> <recording>`. Prints bytes of one pass as JSON.
import { readRecording, recordingNames } from '../recording/recording.js';
import { stageNames, stages } from '../stages/stages.js';

const [, , wantedStage, wantedRecording] = process.argv;
const stage = stageNames.find((name) => name === wantedStage);
const recording = recordingNames.find((name) => name === wantedRecording);
if (!stage || !recording) throw new Error(`no stage ${wantedStage} on ${wantedRecording}`);
process.stdout.write(`${JSON.stringify(await stages[stage](readRecording(recording)))}\n`);
