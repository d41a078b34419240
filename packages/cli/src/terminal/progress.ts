import { formatDuration } from '@millrace/lag-monitor';

/** `[████████░░░░] 67 %`, `width` cells wide. */
export function bar(done: number, total: number, width = 24): string {
  const share = total <= 0 ? 0 : Math.min(1, done / total);
  const full = Math.round(share * width);
  return `[${'█'.repeat(full)}${'░'.repeat(width - full)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}

const thousands = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export const formatCount = (count: number): string => thousands.format(count);

/** One line about a long job: bar, rows, rate, time to go; `total` and `eta` only where they are known. */
export function progressLine(progress: {
  readonly title: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly perSecond: number;
  readonly eta_ms: number | undefined;
}): string {
  const { title, done, total, perSecond, eta_ms } = progress;
  const parts = [
    title,
    total === undefined ? undefined : bar(done, Math.max(done, total)),
    `${formatCount(done)}${total === undefined ? '' : ` of ~${formatCount(Math.max(done, total))}`} rows`,
    `${formatCount(perSecond)}/s`,
    eta_ms === undefined ? undefined : `${formatDuration(eta_ms / 1_000)} to go`,
  ];
  return parts.filter((part) => part !== undefined).join('  ');
}
