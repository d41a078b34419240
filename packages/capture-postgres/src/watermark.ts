import type { Watermark } from '@millrace/capture';

/** Prefix of our logical messages: watermarks under this one, schema announcements under `millrace.ddl`. */
export const watermarkPrefix = 'millrace';

/**
 * A window's edge as the text of a logical message: `1 low <epoch> <chunk> <slot>`. The slot tells pipelines on one
 * database apart.
 */
export function formatWatermark(mark: Watermark, slot: string): string {
  return `1 ${mark.kind} ${mark.epoch} ${mark.chunk} ${slot}`;
}

/** Undefined for messages of other pipelines, versions or programs: they are none of ours (R30). */
export function parseWatermark(text: string, slot: string): Watermark | undefined {
  const match = /^1 (low|high) (\d{1,10}) (\d{1,10}) (\S+)$/.exec(text);
  if (match?.[4] !== slot) return undefined;
  return { kind: match[1] as 'low' | 'high', epoch: Number(match[2]), chunk: Number(match[3]) };
}
