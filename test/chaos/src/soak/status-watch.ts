/** As much of the monitor's `/status` as a soak looks at. */
export interface WatchedStatus {
  readonly sampled_at: string;
  readonly log: { readonly used_bytes: number | null };
  readonly capture: WatchedEdge;
  readonly followers: readonly WatchedEdge[];
  readonly alerts: readonly { readonly key: string; readonly state: string }[];
  readonly pages: { readonly owed: number } | null;
}

export interface WatchedEdge {
  readonly edge: string;
  readonly state: string;
  readonly lag_bytes: number | null;
  readonly staleness_s: number | null;
}

const answer_ms_max = 1_500;
const fresh_ms = 2_000;

/** Undefined while the monitor does not answer, or has nothing new to say. */
export async function askMonitor(url: string): Promise<WatchedStatus | undefined> {
  try {
    const answer = await fetch(`${url}/status`, { signal: AbortSignal.timeout(answer_ms_max) });
    const status = (await answer.json()) as WatchedStatus;
    return Date.now() - Date.parse(status.sampled_at) <= fresh_ms ? status : undefined;
  } catch {
    return undefined;
  }
}

/** Everything runs, and nothing is further behind than so many bytes. */
export function isCaughtUp({ capture, followers }: WatchedStatus, lag_bytes_max: number): boolean {
  return (
    capture.state === 'running' &&
    followers.every(({ state }) => state === 'exact') &&
    [capture, ...followers].every(({ lag_bytes }) => lag_bytes !== null && lag_bytes <= lag_bytes_max)
  );
}
