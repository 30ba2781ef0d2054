import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { devNull } from 'node:os'
import { codeOf } from './transport-error.ts'

/** With fewer to spare, a descriptor is tried for each connection. */
const FEW_DESCRIPTORS = 256

/** Connections that may come before a descriptor is tried again: others take some too, but not half of what is free. */
let untried = 0
/** Connections that may come before descriptors are counted again, which takes a millisecond for some thousands. */
let uncounted = 0

/**
 * Asked for each connection that is accepted: the last descriptor never goes to a peer. Without one to spare libuv closes
 * waiting connections without a word to us, and turns in circles at full load when another thread was faster to take its
 * reserve. To try one costs 8 us; where the system tells how many there are that is not done while they are many.
 *
 * @returns why there is none left, or null
 */
export function descriptorsLeft(): Error | null {
  if (untried > 0) {
    untried--
    return null
  }
  try {
    closeSync(openSync(devNull, 'r'))
  } catch (error) {
    return error instanceof Error && ['EMFILE', 'ENFILE'].includes(codeOf(error)) ? error : null
  }
  if (uncounted > 0) uncounted--
  else {
    untried = connectionsUntried(freeDescriptors())
    uncounted = untried > 0 ? 0 : FEW_DESCRIPTORS
  }
  return null
}

/** @param free null: nobody knows */
export function connectionsUntried(free: number | null): number {
  return free === null || free < FEW_DESCRIPTORS ? 0 : Math.floor(free / 2)
}

/** How many files the process may still open: Linux tells. */
export function freeDescriptors(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === undefined ? null : Number(limit) - readdirSync('/proc/self/fd').length
  } catch {
    return null
  }
}
