import { describe, expect, it } from 'vitest';
import {
  decodeRecording,
  encodeRecording,
  messageTypes,
  readRecording,
  recordingNames,
} from './recording.js';

describe('a recording', () => {
  it.each(recordingNames)('%s comes back from its file as it went in', (name) => {
    const recording = readRecording(name);
    expect(decodeRecording(encodeRecording(recording))).toEqual(recording);
    expect(recording.events).toBeGreaterThan(0);
  });

  it('is told by the sequence of its messages', () => {
    expect(messageTypes(readRecording('narrow').payloads)).toBe(
      ['B R I×1000 C', ...Array.from({ length: 4 }, () => 'B I×1000 C')].join(' '),
    );
  });
});
