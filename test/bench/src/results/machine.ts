import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, release, tmpdir, totalmem } from 'node:os';

/** Where a figure was taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory_bytes: number;
  /** File system and device below the servers' folders, as far as the machine tells. */
  readonly disk: string;
  readonly system: string;
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory_bytes: totalmem(),
    disk: disk(),
    system: `${platform()} ${release()} ${arch()}`,
  };
}

/** `ext4 on virtio (/dev/vda1), 80 GB`. */
function disk(): string {
  try {
    const line = output('df', ['--output=source,fstype,size', '-BG', tmpdir()]).split('\n')[1] ?? '';
    const [device = '', type = '', size = ''] = line.trim().split(/\s+/);
    return `${type} on ${device}${spinning(device)}, ${size.replace('G', ' GB')}`;
  } catch {
    return 'unknown';
  }
}

function spinning(device: string): string {
  try {
    const name = device.replace('/dev/', '').replace(/p?\d+$/, '');
    return readFileSync(`/sys/block/${name}/queue/rotational`, 'utf8').trim() === '1' ? ' (rotational)' : '';
  } catch {
    return '';
  }
}

/** The commit the tree stands on, with `+` when tracked files differ from it; `unknown` outside of a checkout. */
export function commitId(): string {
  try {
    const id = output('git', ['rev-parse', '--short=12', 'HEAD']).trim();
    const changed = output('git', ['status', '--porcelain', '--untracked-files=no']).trim() !== '';
    return changed ? `${id}+` : id;
  } catch {
    return 'unknown';
  }
}

function output(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
