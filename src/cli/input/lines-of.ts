import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** The lines of a stream. Reading begins with the first one that is asked for: readline loses those that nobody waits for. */
export async function* linesOf(input: Readable): AsyncGenerator<string> {
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
}
