// Feeds mutated packets, notations, frames and captures to inspect (test/inspect/fuzz.test.ts): nothing may throw, hang or
// grow past its limit, and inspect reports no error if and only if the strict codec accepts.
// usage: node scripts/fuzz-inspect.mjs [--cases N] [--seed N]
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000000' }, seed: { type: 'string' } },
})
const cases = Number(values.cases)
if (!(cases > 0)) throw new Error(`--cases takes a number above 0, not ${values.cases}`)

const require = createRequire(import.meta.url)
const vitest = require.resolve('vitest/package.json').replace('package.json', 'vitest.mjs')
const tests = spawn(process.execPath, [vitest, 'run', '--project', 'engine', 'test/inspect/fuzz.test.ts'], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: {
    ...process.env,
    MQTT_KIT_FUZZ_CASES: String(cases),
    ...(values.seed === undefined ? {} : { MQTT_KIT_SEED: values.seed }),
  },
})
tests.on('exit', (code) => {
  process.exitCode = code ?? 1
})
