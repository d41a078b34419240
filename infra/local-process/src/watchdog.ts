import { type ChildProcess, spawn } from 'node:child_process';
import { serverEnvironment } from './account.js';

/** In a server's folder: the server's pid, written before its program starts. */
export const pidFile = 'server.pid';

/** Tenths of a second that a server has to end before its folder goes. */
const end_tries = 100;

/**
 * Reads nothing, only waits for the end of its input: the pipe closes when our process ends in any way, SIGKILL
 * included. Then the server in folder $1 is told by signal $2 to end at once (a frozen one, too), and the folder
 * removed. The working folder of the process is compared first, so that a reused pid is left alone (where /proc does
 * not exist, its command).
 */
const script = `
read -r line
[ "$line" = release ] && exit 0
pid=$(head -n 1 "$1/${pidFile}" 2>/dev/null)
ours() {
  if [ -d /proc/self ]; then case "$(readlink "/proc/$pid/cwd")" in "$1"|"$1"/*) true;; *) false;; esac
  else case "$(ps -o command= -p "$pid" 2>/dev/null)" in *"$1"*) true;; *) false;; esac; fi
}
if [ -n "$pid" ] && ours "$1" && kill -s "$2" "$pid"; then
  kill -s CONT "$pid" 2>/dev/null
  tries=0
  while ours "$1" && [ $tries -lt ${end_tries} ]; do sleep 0.1; tries=$((tries+1)); done
fi
rm -rf "$1"
`;

/** How a server is ended for good when nobody will use its data again; QUIT where its own children must end, too. */
export type EndSignal = 'QUIT' | 'KILL';

/** Ends the server and removes its folder when this process is gone; `release` calls that off. */
export interface Watchdog {
  release(): Promise<void>;
  /** Does now what else happens when this process ends; does not wait for it. */
  endNow(): void;
}

/**
 * Starts a watchdog for the server that runs in `folder` (a real path without symbolic links) with its pid in
 * `pidFile` there.
 */
export function startWatchdog(folder: string, end: EndSignal): Watchdog {
  const child: ChildProcess = spawn('/bin/sh', ['-c', script, 'millrace-watchdog', folder, end], {
    cwd: '/',
    env: { ...serverEnvironment },
    stdio: ['pipe', 'ignore', 'ignore'],
    // Its own session: Ctrl-C in a terminal must not take the watchdog before us.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin?.on('error', () => undefined); // the watchdog itself was killed: nothing left to tell it
  child.unref();
  (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  return {
    release() {
      child.ref(); // awaited now: an otherwise idle process must not end before it
      child.stdin?.end('release\n');
      return ended;
    },
    endNow() {
      child.stdin?.end();
    },
  };
}
