import { spawn } from 'node:child_process';
import { Fault } from '@millrace/runtime';
import { type ServiceUser, serverEnvironment, spawnAs } from './account.js';

const output_bytes_max = 16_384;

/**
 * Runs a short program as `user` in folder `cwd` to its end, by default with nothing of our environment. Throws MR-7002 with the last of its output when it
 * cannot start or exits other than 0.
 */
export function runAs(
  user: ServiceUser | undefined,
  cwd: string,
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = serverEnvironment,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...spawnAs(user),
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-output_bytes_max);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (cause) =>
      reject(new Fault('MR-7002', { detail: `${program} cannot be run: ${cause.message}`, cause })),
    );
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          new Fault('MR-7002', { detail: `${program} ended with ${signal ?? code}:\n${output.trim()}` }),
        );
    });
  });
}
