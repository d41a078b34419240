import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Relation } from '@millrace/model';

/** A pgoutput stream (protocol version 1) as a server sent it, its LSNs, ids and times replaced by fixed ones. */
export interface Recording {
  readonly name: RecordingName;
  /** Row events. */
  readonly events: number;
  readonly transactions: number;
  /** The published tables as the catalogue described them, with the ids that the stream uses. */
  readonly relations: readonly Relation[];
  /** Payloads in the order of the stream: whole transactions. */
  readonly payloads: readonly Uint8Array[];
}

export type RecordingName = 'narrow' | 'single' | 'wide' | 'types';

export const recordingNames: readonly RecordingName[] = ['narrow', 'single', 'wide', 'types'];

const folder = new URL('../../recordings/', import.meta.url);
const length_bytes = 4;

const fileOf = (name: RecordingName): URL => new URL(`${name}.pgoutput.gz`, folder);

/** The committed recording. */
export function readRecording(name: RecordingName): Recording {
  return decodeRecording(readFileSync(fileOf(name)));
}

/** Replaces the committed recording; returns the file's size, bytes. */
export function writeRecording(recording: Recording): number {
  const bytes = encodeRecording(recording);
  writeFileSync(fileOf(recording.name), bytes);
  return bytes.length;
}

/** gzip over length-prefixed parts: the head as JSON, then the payloads. */
export function encodeRecording({ payloads, ...head }: Recording): Uint8Array {
  const parts = [Buffer.from(JSON.stringify(head)), ...payloads];
  const framed = parts.flatMap((part) => {
    const length = Buffer.alloc(length_bytes);
    length.writeUInt32BE(part.length);
    return [length, part];
  });
  return gzipSync(Buffer.concat(framed), { level: 9 });
}

export function decodeRecording(file: Uint8Array): Recording {
  const bytes = gunzipSync(file);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + length_bytes + bytes.readUInt32BE(at);
    parts.push(bytes.subarray(at + length_bytes, end));
    at = end;
  }
  const [head, ...payloads] = parts;
  if (!head) throw new Error('the recording is empty');
  return { ...(JSON.parse(head.toString()) as Omit<Recording, 'payloads'>), payloads };
}

/** Letters of the messages, runs shortened: `B R I×1000 C`. */
export function messageTypes(payloads: readonly Uint8Array[]): string {
  const runs: { letter: string; count: number }[] = [];
  for (const payload of payloads) {
    const letter = String.fromCharCode(payload[0] as number);
    const last = runs.at(-1);
    if (last?.letter === letter) last.count++;
    else runs.push({ letter, count: 1 });
  }
  return runs.map(({ letter, count }) => (count === 1 ? letter : `${letter}×${count}`)).join(' ');
}
