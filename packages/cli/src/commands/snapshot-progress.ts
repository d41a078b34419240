import { progressLine } from '../terminal/progress.js';
import type { SupervisedCapture } from '../wiring/services.js';
import type { CommandContext } from './context.js';

const redraw_ms = 250;

/** Draws a bar per snapshot while one runs, on a terminal only. Returns what ends the drawing. */
export function showSnapshot(context: CommandContext, capture: SupervisedCapture): () => void {
  const { terminal } = context;
  if (!terminal.live) return () => undefined;
  const draw = (): void => {
    const snapshot = capture.running()?.status().snapshot;
    const unfinished = snapshot?.tables.some((table) => !table.finished) ?? false;
    terminal.draw(
      snapshot && unfinished
        ? [
            progressLine({
              title: `Snapshot (${snapshot.kind})`,
              done: snapshot.rowsDone,
              total: snapshot.rowsEstimated,
              perSecond: snapshot.rowsPerSecond,
              eta_ms: snapshot.eta_ms,
            }),
          ]
        : [],
    );
  };
  const timer = setInterval(draw, redraw_ms);
  timer.unref();
  return () => {
    clearInterval(timer);
    terminal.draw([]);
  };
}
