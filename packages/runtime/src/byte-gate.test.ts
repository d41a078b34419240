import { describe, expect, it } from 'vitest';
import { ByteGate } from './byte-gate.js';

describe('ByteGate', () => {
  it('asks for a pause at the high mark and lets go at the low one', async () => {
    const gate = new ByteGate(100, 40);
    expect(gate.room()).toBeUndefined();
    gate.add(100);
    const room = gate.room();
    let open = false;
    void room?.then(() => {
      open = true;
    });
    gate.release(50);
    await Promise.resolve();
    expect(open).toBe(false);
    gate.release(10);
    await room;
    expect(gate.held).toBe(40);
  });

  it('releases every waiter when it closes', async () => {
    const gate = new ByteGate(1);
    gate.add(10);
    const waiters = [gate.room(), gate.room()];
    gate.close();
    await Promise.all(waiters);
    expect(gate.room()).toBeUndefined();
  });
});
