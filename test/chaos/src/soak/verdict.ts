/** One line of a soak's verdict. */
export interface Finding {
  readonly what: string;
  /** `short`: the run was too short to tell. */
  readonly verdict: 'ok' | 'failed' | 'short';
  readonly detail: string;
}

export const judged = (what: string, ok: boolean, detail: string): Finding => ({
  what,
  verdict: ok ? 'ok' : 'failed',
  detail,
});

export const tooShort = (what: string, detail: string): Finding => ({ what, verdict: 'short', detail });

export const mib = (bytes: number): number => Math.round((bytes / 2 ** 20) * 10) / 10;
