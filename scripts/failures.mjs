// Jest's reporter of what failed, in the last lines of a run: which tests, and where the logs of their daemons are.
import { readdirSync } from 'node:fs';
import { relative } from 'node:path';

export default class Failures {
  onRunComplete(_contexts, { testResults }) {
    const failed = testResults.flatMap(({ testFilePath, testResults: tests, testExecError }) => {
      const file = relative('.', testFilePath);
      const titles = tests.filter(({ status }) => status === 'failed').map(({ fullName }) => `${file}: ${fullName}`);
      return testExecError && titles.length === 0 ? [`${file} could not be run`] : titles;
    });
    if (failed.length === 0) return;
    const logs = process.env.RELAY_TEST_LOGS;
    const where = logs !== undefined && readdirSync(logs).length > 0 ? `Logs of daemons and servers: ${logs}` : '';
    console.error(`\nFailed:\n${failed.map((line) => `  ${line}`).join('\n')}\n${where}`.trimEnd());
  }
}
