import type { Operation, Script } from './operations.ts'
import { type Failure, run } from './side-by-side.ts'

/** Does a shorter script still fail? */
type Fails = (script: Script) => Promise<boolean>

/**
 * Makes a script that fails short, as long as it fails in the same way.
 * @returns the short one, and how it fails
 */
export async function shrinkFailing(
  script: Script,
  attempt: (script: Script) => Promise<Failure | null> = run,
): Promise<{ script: Script; failure: Failure }> {
  const first = await attempt(script)
  if (first === null) throw new Error('the script does not fail again')
  const untilThere = { ...script, operations: script.operations.slice(0, first.at + 1) }
  const short = await shrink(untilThere, async (shorter) => {
    const failure = await attempt(shorter)
    return failure !== null && kindOf(failure) === kindOf(first)
  })
  return { script: short, failure: (await attempt(short))! }
}

// What went wrong, without the names and numbers of this case.
function kindOf({ isCrash, message }: Failure): string {
  if (isCrash) return 'crash'
  return message
    .replace(/^.*\}: /s, '')
    .replaceAll(/'[^']*'|\d+|\{.*/gs, '')
    .slice(0, 30)
}

/** How many scripts are tried at most. */
const MOST_TRIES = 3000

/**
 * Makes a failing script short: leaves out operations, half of them at a time and in the end one by one, then fields that
 * need not be there, until nothing more can go (delta debugging, after Zeller and Hildebrandt).
 */
export async function shrink(script: Script, fails: Fails): Promise<Script> {
  let tries = 0
  let best = script
  const attempt = async (operations: readonly Operation[]): Promise<boolean> => {
    if (tries++ >= MOST_TRIES) return false
    const shorter = { ...script, operations }
    if (!(await fails(shorter))) return false
    best = shorter
    return true
  }
  for (let size = sizeOf(best) + 1; size > sizeOf(best) && tries < MOST_TRIES; ) {
    size = sizeOf(best)
    for (let length = Math.ceil(best.operations.length / 2); length >= 1; length = Math.floor(length / 2)) {
      for (let start = 0; start < best.operations.length; ) {
        const without = best.operations.toSpliced(start, length)
        if (!(await attempt(without))) start += length
      }
    }
    for (let index = 0; index < best.operations.length; index++) {
      for (const simpler of simplerOnes(best.operations[index]!)) {
        if (await attempt(best.operations.with(index, simpler as Operation))) {
          index--
          break
        }
      }
    }
  }
  return best
}

function sizeOf({ operations }: Script): number {
  return JSON.stringify(operations).length
}

// The same without one of its fields; of a list, without one of its items. What must be there fails in another way, or as well.
function simplerOnes(value: object): object[] {
  const simpler: object[] = []
  for (const [name, field] of Object.entries(value)) {
    if (REQUIRED.has(name)) continue
    if (Array.isArray(field) && field.length > 1) {
      for (const index of field.keys()) simpler.push({ ...value, [name]: field.toSpliced(index, 1) })
    }
    if (Array.isArray(field) && name === 'filters') {
      for (const [index, item] of field.entries()) {
        if (typeof item === 'object')
          for (const less of simplerOnes(item)) simpler.push({ ...value, [name]: field.with(index, less) })
      }
    } else if (typeof field === 'object' && !Array.isArray(field)) {
      for (const less of simplerOnes(field)) simpler.push({ ...value, [name]: less })
    }
    if (name !== 'filters') {
      const { [name]: _gone, ...rest } = value as Record<string, unknown>
      simpler.push(rest)
    }
  }
  return simpler
}

/** Fields without which an operation says nothing. */
const REQUIRED = new Set([
  'do',
  'slot',
  'version',
  'clientId',
  'topic',
  'filter',
  'type',
  'rule',
  'which',
  'ms',
  'id',
  'identifier',
])
