import type { FollowerReport } from '@millrace/log';
import { lsn, type Position } from '@millrace/model';
import type { ServiceNote } from '../board/service-board.js';
import { CommitTimes } from '../samples/commit-times.js';
import type { LeaderReading } from '../samples/leader-probe.js';
import type { Sample } from '../samples/sample.js';
import type { Budget } from './budget.js';

/** Samples for tests: a pipeline seen at `second`, in mebibytes of WAL. */
export interface Scene {
  readonly second: number;
  readonly leader_mib: number;
  readonly head_mib: number;
  readonly followers: Readonly<Record<string, number>>;
  readonly notes?: readonly ServiceNote[];
  readonly slot?: LeaderReading['slot'];
}

export const mib = 2 ** 20;
export const wallStart_ms = Date.UTC(2026, 0, 5, 2, 11, 40);

const positionAt = (mebibytes: number): Position => ({ history: 0, end: lsn(BigInt(mebibytes * mib)) });

export const budget = (follower: string, page_mib: number): Budget => ({
  follower,
  warn_bytes: (page_mib * mib) / 4,
  page_bytes: page_mib * mib,
  for_ms: 10_000,
});

export function runningNote(service: string, second: number, note: Partial<ServiceNote> = {}): ServiceNote {
  return {
    service,
    state: 'running',
    doing: 'applying',
    since_ms: wallStart_ms,
    beat_ms: wallStart_ms + second * 1_000,
    pid: 8_812,
    host: 'worker-3',
    figures: { events: 12 },
    ...note,
  };
}

export function sampleOf(scene: Scene): Sample {
  const wall_ms = wallStart_ms + scene.second * 1_000;
  const commitTimes = new CommitTimes();
  // One commit per MiB, one per second, the newest of them now.
  for (let mebibyte = Math.max(1, scene.head_mib - 1_000); mebibyte <= scene.head_mib; mebibyte++) {
    const commit_us = BigInt(wall_ms - (scene.head_mib - mebibyte) * 1_000) * 1_000n;
    commitTimes.add({ to: positionAt(mebibyte), firstCommit_us: commit_us, lastCommit_us: commit_us });
  }
  return {
    at: { monotonic_ms: scene.second * 1_000, wall_ms },
    leader: {
      ok: true,
      value: {
        position: positionAt(scene.leader_mib).end,
        slot: scene.slot ?? {
          active: true,
          walStatus: 'reserved',
          restart: positionAt(scene.head_mib - 1).end,
          written: positionAt(scene.leader_mib).end,
        },
      },
    },
    log: {
      ok: true,
      value: {
        chain: {
          head: positionAt(scene.head_mib),
          epoch: 3,
          forks: [],
          commitTimes,
          events: 0n,
          transactions: 0n,
        },
        reports: Object.entries(scene.followers).map(([name, at_mib]) => reportOf(name, at_mib, wall_ms)),
        notes: scene.notes ?? [],
        storage: undefined,
      },
    },
  };
}

function reportOf(follower: string, at_mib: number, wall_ms: number): FollowerReport {
  const position = positionAt(at_mib);
  const bytes = new Uint8Array(16);
  return {
    follower,
    logId: bytes,
    storeId: bytes,
    owner: bytes,
    state: 'exact',
    position,
    anchor: { offset: 1n, epoch: 3, nonce: bytes, seq: 1n, position },
    reportedAt_ms: wall_ms,
    tablesBuilding: [],
  };
}
