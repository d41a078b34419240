// `npm run bench`: installs, builds and measures. Arguments go to the bench: a tier, a workload, `report`.
import { join } from 'node:path';
import { execute, root, run, Stop } from './steps.mjs';
import { prepare } from './toolchain.mjs';

await run(async () => {
  const { code } = await prepare();
  if (code !== 0) throw new Stop('The build failed.', 'correct the errors above, then run this again.', 70);
  const bench = await execute(process.execPath, [
    join(root, 'test', 'bench', 'dist', 'command.js'),
    ...process.argv.slice(2),
  ]);
  return bench.code;
});
