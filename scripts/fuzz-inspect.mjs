// Feeds mutated packets, notations, frames and captures to inspect (test/inspect/fuzz.test.ts): nothing may throw, hang or
// grow past its limit, and inspect reports no error if and only if the strict codec accepts.
// usage: node scripts/fuzz-inspect.mjs [--cases N] [--seed N]
import { parseArgs } from 'node:util'
import { runTest } from './lib/run-test.mjs'

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000000' }, seed: { type: 'string' } },
})
const cases = Number(values.cases)
if (!(cases > 0)) throw new Error(`--cases takes a number above 0, not ${values.cases}`)

runTest('test/inspect/fuzz.test.ts', { MQTT_KIT_FUZZ_CASES: String(cases) }, values.seed)
