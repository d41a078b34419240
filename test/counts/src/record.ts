// `node dist/record.js [name…]`: records the streams anew, on a PostgreSQL 18 of its own.
import { pgDatabase } from '@millrace/test-support';
import { record } from './recording/recorder.js';
import { recordingNames, writeRecording } from './recording/recording.js';

const wanted = process.argv.slice(2);
for (const name of recordingNames) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await using database = await pgDatabase(18);
  const recording = await record(database, name);
  const file_bytes = writeRecording(recording);
  const { events, transactions } = recording;
  process.stdout.write(`${name}: ${events} events in ${transactions} transactions, ${file_bytes} bytes\n`);
}
