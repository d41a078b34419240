import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { type Match, matchIdentity, type ProcessIdentity } from './process-identity.js';

/** A process that may write, as it registered itself, and whether it is inside a write transaction (or just about to be). */
export interface WriterSlot {
  readonly identity: ProcessIdentity;
  readonly busy: boolean;
  /** Which of its transactions: changes each time. */
  readonly turn: number;
}

const slot_bytes = 96;
const startedAt_bytes = 24;
const boot_bytes = 40;
/** Above this the file is cleared when every process in it is gone. */
const file_bytes_max = 32 * 1024;

/**
 * The file `writers`: one slot per handle that may write. LMDB does not tell who holds its lock, and a paused process can hold
 * it for ever; so each writer marks its slot before it asks for the lock and clears it after its commit. Slots are
 * hints for waiting and for takeover (§12): no safety rests on them.
 */
export class Writers {
  readonly #file: number;
  readonly #slot = Buffer.alloc(slot_bytes);
  readonly #self: ProcessIdentity;
  readonly #at: number;
  #turn = 0;

  constructor(path: string, self: ProcessIdentity, identify: (pid: number) => ProcessIdentity | undefined) {
    this.#self = self;
    this.#slot.writeUInt32BE(self.pid, 0);
    this.#slot.write(self.startedAt.slice(0, startedAt_bytes), 16, 'latin1');
    this.#slot.write(self.boot.slice(0, boot_bytes), 16 + startedAt_bytes, 'latin1');
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    this.#clearOld(identify);
    this.#at = this.#append(path);
  }

  /** Registered slots of other processes, as they stand now. */
  others(): WriterSlot[] {
    return readSlots(this.#file).filter(({ identity }) => identity.pid !== this.#self.pid);
  }

  enter(): void {
    this.#turn = (this.#turn + 1) >>> 0;
    this.#mark(1);
  }

  leave(): void {
    this.#mark(0);
  }

  close(): void {
    this.#slot.fill(0);
    writeSync(this.#file, this.#slot, 0, slot_bytes, this.#at);
    closeSync(this.#file);
  }

  #mark(busy: number): void {
    this.#slot[4] = busy;
    this.#slot.writeUInt32BE(this.#turn, 8);
    writeSync(this.#file, this.#slot, 0, slot_bytes, this.#at);
  }

  /** Appending is atomic, so that a slot is taken without any lock; the whole slot is rewritten at each mark. */
  #append(path: string): number {
    const appender = openSync(path, constants.O_WRONLY | constants.O_APPEND);
    try {
      const token = (Math.floor(performance.now() * 1000) ^ (process.pid << 8)) >>> 0;
      this.#slot.writeUInt32BE(token, 12);
      writeSync(appender, this.#slot, 0, slot_bytes);
    } finally {
      closeSync(appender);
    }
    const bytes = readAll(this.#file);
    for (let at = bytes.length - slot_bytes; at >= 0; at -= slot_bytes)
      if (bytes.compare(this.#slot, 0, slot_bytes, at, at + slot_bytes) === 0) return at;
    return Math.max(0, bytes.length - slot_bytes);
  }

  #clearOld(identify: (pid: number) => ProcessIdentity | undefined): void {
    if (fstatSync(this.#file).size < file_bytes_max) return;
    const living = readSlots(this.#file).some(
      ({ identity }) => matchIdentity(identity, identify(identity.pid)) !== 'gone',
    );
    if (!living) ftruncateSync(this.#file, 0);
  }
}

function readAll(file: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(file).size);
  const read = readSync(file, bytes, 0, bytes.length, 0);
  return bytes.subarray(0, read - (read % slot_bytes));
}

function readSlots(file: number): WriterSlot[] {
  const bytes = readAll(file);
  const slots: WriterSlot[] = [];
  for (let at = 0; at < bytes.length; at += slot_bytes) {
    const pid = bytes.readUInt32BE(at);
    if (pid === 0) continue;
    const text = (from: number, length: number): string =>
      bytes.toString('latin1', at + from, at + from + length).replace(/\0+$/, '');
    slots.push({
      identity: {
        pid,
        startedAt: text(16, startedAt_bytes),
        boot: text(16 + startedAt_bytes, boot_bytes),
      },
      busy: bytes[at + 4] === 1,
      turn: bytes.readUInt32BE(at + 8),
    });
  }
  return slots;
}

export interface Holder extends WriterSlot {
  readonly match: Exclude<Match, 'gone'>;
}

/** Which of `slots` may hold the lock: busy, and still the process that registered. A dead one's lock is recovered by LMDB. */
export function holdersOf(
  slots: readonly WriterSlot[],
  identify: (pid: number) => ProcessIdentity | undefined,
): Holder[] {
  const holders: Holder[] = [];
  for (const slot of slots) {
    if (!slot.busy) continue;
    const match = matchIdentity(slot.identity, identify(slot.identity.pid));
    if (match !== 'gone') holders.push({ ...slot, match });
  }
  return holders;
}

/** Those of `before` that are still in the very same transaction. */
export function stillHolding(before: readonly Holder[], now: readonly Holder[]): Holder[] {
  return now.filter((holder) =>
    before.some(
      (earlier) =>
        earlier.turn === holder.turn &&
        earlier.identity.pid === holder.identity.pid &&
        earlier.identity.startedAt === holder.identity.startedAt,
    ),
  );
}
