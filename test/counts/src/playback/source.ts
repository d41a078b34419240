import type { InitialSnapshot, Source, SourceSession, SourceSink, WindowReader } from '@millrace/capture';
import { ShapeBook, StreamDecoder } from '@millrace/capture-postgres/decoding';
import { lsn, type Relation } from '@millrace/model';
import type { Recording } from '../recording/recording.js';
import type { Tape } from './tape.js';

/** Plays passes through the product's own decoder. Resolves when the stream is to end. */
export type Play = (decoder: StreamDecoder, signal: AbortSignal) => Promise<void>;

/** The way from payloads to a sink, as a session on PostgreSQL makes it. */
export function decoderOf(recording: Recording, sink: SourceSink, known: readonly Relation[]): StreamDecoder {
  return new StreamDecoder({
    sink,
    slot: 'recorded',
    shapes: new ShapeBook([...known, ...recording.relations], true),
    look: () => Promise.reject(new Error('a recorded stream has no catalogue')),
    columnLists: new Set(),
  });
}

/** A leader that was recorded: its tables were empty when the slot was made, then came the stream. */
export function recordedSource(tape: Tape, play: Play): Source {
  const { recording } = tape;
  const session: SourceSession = {
    identity: { systemId: 1n, timeline: 1, ancestry: [] },
    wal: { end: lsn(tape.start), isReplaying: false },
    confirmed: lsn(tape.start),
    created: { consistentPoint: lsn(tape.start), snapshot: emptySnapshot(recording.relations) },
    windows: noWindows,
    relations: async () => recording.relations,
    stream: (sink, signal, known = []) => play(decoderOf(recording, sink, known), signal),
    confirm: () => {},
    memberships: async () => new Map(),
    leaderPosition: async () => lsn(tape.start),
    close: async () => {},
  };
  return { acquire: async () => session };
}

function emptySnapshot(relations: readonly Relation[]): InitialSnapshot {
  return {
    tables: relations.map((relation) => ({ relation, estimatedRows: 0 })),
    plan: async () => [{ after: null, upTo: null }],
    read: async () => {},
    close: async () => {},
  };
}

const noWindows: WindowReader = {
  read: () => Promise.reject(new Error('nothing of a recorded stream has to be read again')),
};
