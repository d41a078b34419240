import type { SeenWorker } from '@millrace/follower';
import { describe, expect, it } from 'vitest';
import { seatOf } from './seats.js';

const worker = (id: string, rank: number, more: Partial<SeenWorker> = {}): SeenWorker => ({
  id,
  rank,
  host: 'mill',
  pid: 1,
  active: false,
  partitions: [],
  silence_ms: 0,
  ...more,
});

describe('The seat of a worker', () => {
  it('is active for one alone', () => {
    expect(seatOf('a', [worker('a', 1)], 3_000)).toEqual({ kind: 'active' });
  });

  it('is standby behind a living active one, even one that came later', () => {
    const active = worker('b', 9, { active: true, silence_ms: 2_999 });
    expect(seatOf('a', [worker('a', 1), active], 3_000)).toEqual({ kind: 'standby', behind: active });
  });

  it('is active once the active one has been silent for too long', () => {
    const active = worker('b', 1, { active: true, silence_ms: 3_000 });
    expect(seatOf('a', [worker('a', 2), active], 3_000)).toEqual({ kind: 'active' });
  });

  it('is given to the one that came first when several wait', () => {
    const seen = [worker('a', 2), worker('b', 3), worker('gone', 1, { silence_ms: 5_000 })];
    expect(seatOf('a', seen, 3_000).kind).toBe('active');
    expect(seatOf('b', seen, 3_000)).toEqual({ kind: 'standby', behind: seen[0] });
  });

  it('is standby for one whose own entry vanished while another lives', () => {
    expect(seatOf('a', [worker('b', 5)], 3_000).kind).toBe('standby');
  });
});
