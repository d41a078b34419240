// `npm test`: every check and every test. Arguments go to vitest (a path, `-t name`).
// The last line is `N passed, N failed, N skipped`, counting tests and checks alike.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute, root, run, Stop, say, step, tool } from './steps.mjs';
import { prepare } from './toolchain.mjs';

const inCi = ['1', 'true'].includes(process.env.CI ?? '');

/** The checks that are not tests, each with what to do when it fails. */
const checks = [
  [
    'format and lint',
    ['@biomejs', 'biome', 'bin', 'biome'],
    ['check', '--error-on-warnings', '.'],
    'npm run format',
  ],
  [
    'no promise left floating',
    ['eslint', 'bin', 'eslint.js'],
    ['--max-warnings=0', '.'],
    'await it, or say `void`',
  ],
];

async function runChecks(built) {
  const failed = built.code === 0 ? [] : ['build: correct the errors above'];
  for (const [title, path, args, next] of checks) {
    const { code } = await step(title, process.execPath, [tool(...path), ...args]);
    if (code !== 0) failed.push(`${title}: ${next}`);
  }
  return { total: checks.length + 1, failed };
}

/** Its failure counts in the tests that need the servers, and only there. */
async function prepareServers() {
  await step('Kafka and Redis at hand (the first time this downloads about 50 MB)', process.execPath, [
    join(root, 'scripts', 'test-servers.mjs'),
  ]);
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Counts from vitest's JSON report. A file that cannot even be loaded counts as one failure. */
function count(report) {
  const states = report.testResults.flatMap((file) => file.assertionResults.map((test) => test.status));
  const number = (...wanted) => states.filter((state) => wanted.includes(state)).length;
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const skipped = number('pending', 'skipped', 'todo', 'disabled');
  return { passed: number('passed'), failed: number('failed') + broken.length, skipped };
}

async function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-report-'));
  const report = join(folder, 'vitest.json');
  try {
    const { code } = await execute(process.execPath, [
      tool('vitest', 'vitest.mjs'),
      ...['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
      ...args,
    ]);
    const found = readReport(report);
    if (found === undefined)
      throw new Stop(`vitest ended with ${code} and left no report.`, 'see its output above.');
    const counts = count(found);
    // An error outside any test (an unhandled rejection) fails the run without failing a test.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tell(checked, tests) {
  for (const failure of checked.failed) say(`✗ ${failure}`);
  const ran = tests.passed + tests.failed;
  if (ran === 0) say('✗ not one test ran: that is a failure, not a success');
  if (inCi && tests.skipped > 0) say(`✗ ${tests.skipped} tests were skipped: CI skips none`);
  const passed = tests.passed + checked.total - checked.failed.length;
  const failed = tests.failed + checked.failed.length + (ran === 0 ? 1 : 0);
  process.stdout.write(`${passed} passed, ${failed} failed, ${tests.skipped} skipped\n`);
  return failed > 0 || (inCi && tests.skipped > 0) ? 1 : 0;
}

await run(async () => {
  const built = await prepare();
  if (built.code === 0) await prepareServers();
  const checked = await runChecks(built);
  return tell(checked, await runTests(process.argv.slice(2)));
});
