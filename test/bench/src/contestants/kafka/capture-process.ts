import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalServer, makeServerFolder } from '@millrace/local-process';

const binary = fileURLToPath(new URL('../../../../../packages/cli/dist/bin.js', import.meta.url));
const start_ms_max = 10_000;

/** `millrace capture`, the built command as users run it, in a folder of its own. It ends with this process, too. */
export class CaptureProcess extends LocalServer {
  /** `text` becomes its millrace.yaml. Nothing runs yet. */
  static async create(runFolder: string, text: string): Promise<CaptureProcess> {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: build first (pnpm build)`);
    const process = new CaptureProcess(await makeServerFolder(runFolder, 'capture'));
    await writeFile(join(process.folder, 'millrace.yaml'), text, { mode: 0o600 });
    return process;
  }

  /** Its pid is known when this resolves; it may not have read its configuration yet. */
  async start(): Promise<void> {
    await this.run({
      name: 'millrace capture',
      program: process.execPath,
      args: [binary, 'capture'],
      start_ms_max,
      isReady: async () => true,
    });
  }
}
