// `npm start`: installs, builds and shows Millrace at work. Arguments go to `millrace demo`.
import { join } from 'node:path';
import { execute, root, run, Stop } from './steps.mjs';
import { prepare } from './toolchain.mjs';

await run(async () => {
  const { code } = await prepare();
  if (code !== 0) throw new Stop('The build failed.', 'correct the errors above, then run this again.', 70);
  const demo = await execute(process.execPath, [
    join(root, 'packages', 'cli', 'dist', 'bin.js'),
    'demo',
    ...process.argv.slice(2),
  ]);
  return demo.code;
});
