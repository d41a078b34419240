import { pgDatabase } from '@millrace/test-support';
import { describe, expect, it } from 'vitest';
import { record } from './recorder.js';
import { messageTypes, readRecording, recordingNames } from './recording.js';

describe('a committed recording', () => {
  it.each(recordingNames)('%s is what PostgreSQL 18 sends today, byte for byte', async (name) => {
    await using database = await pgDatabase(18);
    const kept = readRecording(name);
    const fresh = await record(database, name);
    expect(messageTypes(fresh.payloads)).toBe(messageTypes(kept.payloads));
    expect(fresh.relations).toEqual(kept.relations);
    expect(Buffer.concat(fresh.payloads).equals(Buffer.concat(kept.payloads))).toBe(true);
  });
});
