export { type Recording, type RecordingName, readRecording, recordingNames } from './recording/recording.js';
