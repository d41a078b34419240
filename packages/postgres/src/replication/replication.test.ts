import { lsn, lsnZero } from '@millrace/model';
import { describe, expect, it } from 'vitest';
import { deadAfter_ms, liveness, Patience, statusInterval_ms } from './liveness.js';
import { advance, nothingReceived, standbyStatusMessage } from './standby-status.js';
import { parseTimelineHistory } from './timeline-history.js';
import { parseDuration_ms } from './walsender-identity.js';

describe('the standby status', () => {
  it('carries write, flush and apply as they stand, beyond 2^63 too, without adding one (R2)', () => {
    const positions = {
      write: lsn(0xffff_fff0_0000_0003n),
      flush: lsn(0x20_0000_0000_0002n),
      apply: lsn(1n),
    };
    const message = Buffer.from(standbyStatusMessage(positions, 946_684_800_001, true));
    expect(message.length).toBe(39);
    expect(message.readInt32BE(1)).toBe(38);
    expect(message.toString('latin1', 5, 6)).toBe('r');
    expect(message.readBigUInt64BE(6)).toBe(0xffff_fff0_0000_0003n);
    expect(message.readBigUInt64BE(14)).toBe(0x20_0000_0000_0002n);
    expect(message.readBigUInt64BE(22)).toBe(1n);
    expect(message.readBigInt64BE(30)).toBe(1000n);
    expect(message[38]).toBe(1);
  });

  it('never goes back', () => {
    const ahead = { write: lsn(9n), flush: lsn(8n), apply: lsn(7n) };
    expect(advance(ahead, nothingReceived)).toEqual(ahead);
    expect(advance(ahead, { write: lsn(5n), flush: lsn(9n), apply: lsnZero })).toEqual({
      write: 9n,
      flush: 9n,
      apply: 7n,
    });
  });

  it('is sent at least three times within wal_sender_timeout', () => {
    expect(statusInterval_ms(60_000)).toBe(10_000);
    expect(statusInterval_ms(3_000)).toBe(1_000);
    expect(statusInterval_ms(0)).toBe(10_000);
  });
});

describe('a silent server', () => {
  it('is asked first and given up later, but not while we do not read ourselves', () => {
    expect(liveness(10_000, 0, false, 45_000)).toBe('fine');
    expect(liveness(20_000, 0, false, 45_000)).toBe('ask');
    expect(liveness(50_000, 0, false, 45_000)).toBe('dead');
    expect(liveness(500_000, 0, true, 45_000)).toBe('fine');
  });

  it('is borne with for longer than its wal_sender_timeout, by half of which a busy one hears us', () => {
    expect(deadAfter_ms(1_000, 0)).toBe(60_000);
    expect(deadAfter_ms(60_000, 0)).toBe(75_000);
    expect(deadAfter_ms(300_000, 0)).toBe(315_000);
    expect(deadAfter_ms(0, 0)).toBe(315_000);
  });

  it('is borne with twice as long each time it was given up without having got on, up to half an hour', () => {
    const patience = new Patience();
    patience.flushed(lsn(100n));
    const waits_s = Array.from({ length: 7 }, () => {
      const wait_ms = patience.deadAfter_ms(60_000);
      patience.gaveUp();
      // The next session confirms what was confirmed before.
      patience.flushed(lsn(100n));
      return wait_ms / 1000;
    });
    expect(waits_s).toEqual([75, 150, 300, 600, 1200, 1800, 1800]);
    patience.flushed(lsn(101n));
    expect(patience.deadAfter_ms(60_000)).toBe(75_000);
  });

  it('that never gives up early is borne with for as long as its own timeout', () => {
    expect(deadAfter_ms(3_600_000, 3)).toBe(3_615_000);
  });
});

describe('answers of a walsender', () => {
  it('a timeline history is read oldest first', () => {
    expect(
      parseTimelineHistory('1\t0/3000110\tno recovery target\n\n2\tFFFFFFFF/5000000\tbefore x # y\n'),
    ).toEqual([
      { timeline: 1, switchLsn: 0x3000110n },
      { timeline: 2, switchLsn: 0xffff_ffff_0500_0000n },
    ]);
    expect(() => parseTimelineHistory('rubbish')).toThrow(/MR-2011/);
    expect(() => parseTimelineHistory('2\t0/1\n1\t0/2')).toThrow(/MR-2011/);
  });

  it('durations are read in every unit', () => {
    expect(['0', '500ms', '30s', '1min', '2h'].map(parseDuration_ms)).toEqual([
      0, 500, 30_000, 60_000, 7_200_000,
    ]);
    expect(() => parseDuration_ms('soon')).toThrow(/MR-2011/);
  });
});
