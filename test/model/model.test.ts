import { expect, it } from 'vitest'
import { fuzzSeed, Random } from '../support/random.ts'
import { formatScript, type Script } from './operations.ts'
import { scriptFor } from './random-script.ts'
import { shrinkFailing } from './shrink.ts'
import { run } from './side-by-side.ts'

/** Long enough for sessions to come and go, short enough for every operation to have a millisecond of its own. */
const OPERATIONS_PER_SCRIPT = 300
/** Scripts of every run: some 3 s. */
const FEW_SCRIPTS = 100

const seconds = Number(process.env['MQTT_KIT_MODEL_SECONDS'] ?? 0)

/** Searches from a seed on. @returns how much was tried without finding anything */
async function search(firstSeed: number): Promise<string> {
  const until = performance.now() + seconds * 1000
  let operations = 0
  let scripts = 0
  while (scripts < FEW_SCRIPTS || performance.now() < until) {
    const seed = firstSeed + scripts
    const script = scriptFor(new Random(seed), OPERATIONS_PER_SCRIPT)
    const failure = await run(script)
    if (failure !== null) throw new Error(await report(seed, script))
    operations += script.operations.length
    scripts++
  }
  return `${scripts} scripts with ${operations} operations`
}

async function report(seed: number, script: Script): Promise<string> {
  const { script: short, failure } = await shrinkFailing(script)
  return [
    `operation ${failure.at}: ${failure.message}`,
    `Repeat with MQTT_KIT_SEED=${seed}. As short as it gets, for a regression test:`,
    formatScript(short),
    'expect(await run(script)).toBeNull()',
  ].join('\n')
}

it(
  'agrees with the reference model whatever its clients do',
  async () => {
    const tried = await search(fuzzSeed('model'))
    process.stderr.write(`model: ${tried}\n`)
  },
  (seconds + 120) * 1000,
)

it('finds a broker that sends one message more than its client takes, and tells so in a few operations', async () => {
  const wrong = async (script: Script) =>
    run(script, { ...script.limits, maximumInFlightMessages: script.limits.maximumInFlightMessages + 1 })
  let seed = 1
  let script = scriptFor(new Random(seed), OPERATIONS_PER_SCRIPT)
  while ((await wrong(script)) === null) script = scriptFor(new Random(++seed), OPERATIONS_PER_SCRIPT)
  const { script: short, failure } = await shrinkFailing(script, wrong)
  expect(failure.message).toContain('the Receive Maximum is')
  expect(short.operations.map((operation) => operation.do)).toContain('subscribe')
  expect(short.operations.length).toBeLessThanOrEqual(10)
  expect(await run(short)).toBeNull()
})
