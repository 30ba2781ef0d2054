import { expect, it } from 'vitest'
import { fuzzSeed, Random } from '../support/random.ts'
import { levelStorage } from '../support/storage.ts'
import { formatScript, type Script } from './operations.ts'
import { withRestarts } from './random-restarts.ts'
import { scriptFor } from './random-script.ts'
import { shrinkFailing } from './shrink.ts'
import { type Failure, type RunOptions, run } from './side-by-side.ts'

/** Long enough for sessions to come and go, short enough for every operation to have two milliseconds of its own. */
const OPERATIONS_PER_SCRIPT = 230
interface Search {
  readonly name: string
  /** scripts of every run */
  readonly scripts: number
  readonly scriptFor: (seed: number) => Script
  readonly options?: RunOptions
}

const plain = (seed: number): Script => scriptFor(new Random(seed), OPERATIONS_PER_SCRIPT)
const restarting = (seed: number): Script => withRestarts(plain(seed), new Random(seed + 1))

const SEARCHES: readonly Search[] = [
  { name: 'whatever its clients do', scripts: 100, scriptFor: plain },
  { name: 'over restarts from a store in memory', scripts: 50, scriptFor: restarting },
  { name: 'over restarts from LevelDB', scripts: 6, scriptFor: restarting, options: { storage: levelStorage } },
]

/** of a long search, for each of them */
const seconds = Number(process.env['MQTT_KIT_MODEL_SECONDS'] ?? 0) / SEARCHES.length

/** Searches from a seed on. @returns how much was tried without finding anything */
async function search({ scripts: fewest, scriptFor, options }: Search, firstSeed: number): Promise<string> {
  const until = performance.now() + seconds * 1000
  const attempt = (script: Script) => run(script, options)
  let operations = 0
  let scripts = 0
  while (scripts < fewest || performance.now() < until) {
    const seed = firstSeed + scripts
    const script = scriptFor(seed)
    const failure = await attempt(script)
    if (failure !== null) {
      const text = await report(seed, script, failure, attempt)
      // a long search of another kind may follow, and only behind it does the reporter tell
      process.stderr.write(`model: ${text}\n`)
      throw new Error(text)
    }
    operations += script.operations.length
    scripts++
  }
  return `${scripts} scripts with ${operations} operations`
}

async function report(
  seed: number,
  script: Script,
  first: Failure,
  attempt: (script: Script) => Promise<Failure | null>,
): Promise<string> {
  // of what a file system does in its own time a second run may be clean
  const shrunk = await shrinkFailing(script, attempt).catch((error: Error) => error)
  if (shrunk instanceof Error)
    return `MQTT_KIT_SEED=${seed}, operation ${first.at}: ${first.message}; ${shrunk.message}`
  const { script: short, failure } = shrunk
  return [
    `operation ${failure.at}: ${failure.message}`,
    `Repeat with MQTT_KIT_SEED=${seed}. As short as it gets, for a regression test:`,
    formatScript(short),
    'expect(await run(script)).toBeNull()',
  ].join('\n')
}

it.each(SEARCHES)(
  'agrees with the reference model $name',
  async (kind) => {
    const tried = await search(kind, fuzzSeed('model'))
    process.stderr.write(`model: ${kind.name}: ${tried}\n`)
  },
  (seconds + 120) * 1000,
)

it('finds a broker that sends one message more than its client takes, and tells so in a few operations', async () => {
  const wrong = async (script: Script) =>
    run(script, {
      brokerLimits: {
        ...script.limits,
        maximumInFlightMessages: script.limits.maximumInFlightMessages + 1,
      },
    })
  let seed = 1
  let script = scriptFor(new Random(seed), OPERATIONS_PER_SCRIPT)
  while ((await wrong(script)) === null) script = scriptFor(new Random(++seed), OPERATIONS_PER_SCRIPT)
  const { script: short, failure } = await shrinkFailing(script, wrong)
  expect(failure.message).toContain('the Receive Maximum is')
  expect(short.operations.map((operation) => operation.do)).toContain('subscribe')
  expect(short.operations.length).toBeLessThanOrEqual(10)
  expect(await run(short)).toBeNull()
})
