import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { logFile, type ServerProgram } from '@millrace/local-process';
import { jvmEnvironment } from './jvm.js';
import type { KafkaPrograms } from './programs.js';

/** A cold start on a busy machine, or a wait for the other two nodes' votes. */
const start_ms_max = 90_000;

/** Logged when the broker is registered, its log recovered and its listeners open (`KafkaRaftServer`). */
const readyMark = 'Kafka Server started';

/** Tells whether `mark` was written to `file` behind byte `from`; each call reads on where the last one ended. */
function markSeeker(file: string, from: number, mark: string): () => Promise<boolean> {
  let at = from;
  let tail = '';
  return async () => {
    const handle = await open(file, 'r').catch(() => undefined);
    if (handle === undefined) return false;
    try {
      const { buffer, bytesRead } = await handle.read({ position: at, buffer: Buffer.alloc(65_536) });
      at += bytesRead;
      const text = tail + buffer.toString('latin1', 0, bytesRead);
      tail = text.slice(-mark.length);
      return text.includes(mark);
    } finally {
      await handle.close();
    }
  };
}

/** The broker that `folder/server.properties` describes, ready when it serves clients. */
export async function brokerProgram(programs: KafkaPrograms, folder: string): Promise<ServerProgram> {
  const log = join(folder, logFile);
  const from = (await stat(log).catch(() => undefined))?.size ?? 0;
  const seen = markSeeker(log, from, readyMark);
  return {
    name: 'Kafka',
    program: programs.java.program,
    args: [
      ...programs.options,
      // Native libraries of compression codecs are unpacked there.
      `-Djava.io.tmpdir=${folder}`,
      ...['-cp', programs.classpath, 'kafka.Kafka', join(folder, 'server.properties')],
    ],
    folder,
    environment: jvmEnvironment,
    start_ms_max,
    isReady: () => seen(),
  };
}
