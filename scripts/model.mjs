// Searches for a script of operations that the broker answers otherwise than the reference model (test/model/).
// usage: node scripts/model.mjs [--minutes N] [--seed N]
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not ${values.minutes}`)

const require = createRequire(import.meta.url)
const vitest = require.resolve('vitest/package.json').replace('package.json', 'vitest.mjs')
const tests = spawn(process.execPath, [vitest, 'run', '--project', 'engine', 'test/model/model.test.ts'], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: {
    ...process.env,
    MQTT_KIT_MODEL_SECONDS: String(minutes * 60),
    ...(values.seed === undefined ? {} : { MQTT_KIT_SEED: values.seed }),
  },
})
tests.on('exit', (code) => {
  process.exitCode = code ?? 1
})
