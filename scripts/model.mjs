// Searches for a script of operations that the broker answers otherwise than the reference model (test/model/): a third of the
// time without a store, with restarts from one in memory, and from LevelDB.
// usage: node scripts/model.mjs [--minutes N] [--seed N]
import { parseArgs } from 'node:util'
import { runTest } from './lib/run-test.mjs'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not ${values.minutes}`)

runTest('test/model/model.test.ts', { MQTT_KIT_MODEL_SECONDS: String(minutes * 60) }, values.seed)
