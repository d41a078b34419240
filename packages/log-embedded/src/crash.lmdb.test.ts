import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type BatchRecord, ChainReader, readRecordEvents } from '@millrace/log';
import { spawnScript, tempFolder } from '@millrace/test-support';
import { expect, it } from 'vitest';
import { openLog, topic } from './testing/session.js';

const writer = new URL('./testing/writer.sample.ts', import.meta.url);
const kills = 10;
const life_ms_max = 250;

/** A process that has started, which takes longer than all it does here, and waits for its turn. */
const readyWriter = (path: string): ChildProcess => spawnScript(writer, [path]);

/** Lets a writer live for a while after its first acknowledgement, kills it, and returns its last one. */
async function writeAndDie(child: ChildProcess, life_ms: number): Promise<{ offset: bigint; end: bigint }> {
  let text = '';
  let started = false;
  child.stdout?.on('data', (bytes: Buffer) => {
    text += bytes.toString();
    if (started) return;
    started = true;
    setTimeout(() => child.kill('SIGKILL'), life_ms);
  });
  child.stdin?.write('go\n');
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
  const [offset, end] = (lines.at(-1) as string).split(' ') as [string, string];
  return { offset: BigInt(offset), end: BigInt(end) };
}

/** Reads the whole log as a follower would. Every record must read back as exactly its events. */
async function audit(path: string): Promise<{ events: number; end: bigint; offsets: Set<bigint> }> {
  const log = await openLog(path, { readOnly: true });
  const reader = new ChainReader(log, { kind: 'start' });
  const offsets = new Set<bigint>();
  const batches: BatchRecord[] = [];
  await reader.readToHead(({ offset, record }) => {
    offsets.add(offset);
    if (record.kind === 'progress') batches.push(record);
  });
  let events = 0;
  const options = { signal: AbortSignal.timeout(20_000), max_bytes: 1 << 20 };
  for (const record of batches) {
    const before = events;
    await readRecordEvents(log, record, () => topic, { event: () => events++ }, options);
    expect(BigInt(events - before)).toBe(record.events);
  }
  const { end } = reader.state.to;
  await log.close();
  return { events, end, offsets };
}

it('I1, promise 1: a writer killed at any moment loses nothing acknowledged and tears nothing', async () => {
  const path = join(tempFolder('log'), 'log');
  const acknowledged: { offset: bigint; end: bigint }[] = [];
  let next = readyWriter(path);
  for (let kill = 0; kill < kills; kill++) {
    const present = next;
    if (kill + 1 < kills) next = readyWriter(path);
    const died = await writeAndDie(present, (life_ms_max * kill) / kills + 1);
    acknowledged.push(died);
    const found = await audit(path);
    for (const { offset } of acknowledged) expect(found.offsets.has(offset)).toBe(true);
    expect(found.end).toBeGreaterThanOrEqual(died.end);
    // At most the one commit whose acknowledgement did not reach us lies beyond.
    expect(found.end - died.end).toBeLessThanOrEqual(20n);
    expect(found.events).toBeGreaterThan(0);
  }
}, 120_000);
