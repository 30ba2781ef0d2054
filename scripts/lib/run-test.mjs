// Runs one test file of the engine for as long as asked, outside of `npm test`.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * Its exit code becomes ours.
 * @param {string} file
 * @param {Record<string, string>} environment beside the present one
 * @param {string | undefined} seed for MQTT_KIT_SEED
 */
export function runTest(file, environment, seed) {
  const require = createRequire(import.meta.url)
  const vitest = require.resolve('vitest/package.json').replace('package.json', 'vitest.mjs')
  const tests = spawn(process.execPath, [vitest, 'run', '--project', 'engine', file], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: 'inherit',
    env: { ...process.env, ...environment, ...(seed === undefined ? {} : { MQTT_KIT_SEED: seed }) },
  })
  tests.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}
