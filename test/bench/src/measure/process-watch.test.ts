import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ProcessWatch } from './process-watch.js';

/** Uses 0.3 s of processor time, however long the machine makes it wait for that, then tells, and waits to be ended. */
const busy = "while (process.cpuUsage().user < 300_000); console.log('done'); setInterval(() => {}, 1000)";
const least_s = 0.25;

describe.runIf(process.platform === 'linux')('a process under watch', () => {
  it('is charged for its own work, from the time it is watched on', async () => {
    const child = spawn(process.execPath, ['-e', busy], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const watch = new ProcessWatch();
      watch.add('worker', child.pid ?? 0, { whole: true });
      await once(child.stdout, 'data');
      const late = new ProcessWatch();
      late.add('worker', child.pid ?? 0);
      const [whole] = watch.stop();
      const [rest] = late.stop();
      expect(whole?.cpu_s).toBeGreaterThan(least_s);
      expect(whole?.peakAnonymous_bytes).toBeGreaterThan(5_000_000);
      expect(rest?.cpu_s).toBeLessThan(whole?.cpu_s ?? 0);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('keeps its last sample when it ends first', async () => {
    const child = spawn(process.execPath, ['-e', busy], { stdio: ['ignore', 'pipe', 'ignore'] });
    const watch = new ProcessWatch();
    watch.add('worker', child.pid ?? 0, { whole: true });
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const [use] = watch.stop();
    expect(use?.cpu_s).toBeGreaterThan(least_s);
    expect(use?.peakAnonymous_bytes).toBeGreaterThan(5_000_000);
  });
});
