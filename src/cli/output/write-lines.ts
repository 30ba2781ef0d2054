import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import type { StandardOutput } from './standard-output.ts'

/** Lines are put together up to this size before they are written. */
const PIECE_CHARACTERS = 64 * 1024

/**
 * Writes lines as fast as the reader takes them, and asks for no more than that. A reader that goes ends it quietly.
 * @throws Failure (rejects) OUTPUT
 */
export async function writeLines(stdout: StandardOutput, lines: AsyncIterable<string>): Promise<void> {
  let isOver = false
  let wake: () => void = () => {}
  const write = (text: string): Promise<void> | undefined => {
    if (stdout.write(text) || isOver) return undefined
    return new Promise((resolve) => (wake = resolve))
  }
  stdout.handler = {
    drained: () => wake(),
    failed: () => {
      isOver = true
      wake()
    },
  }
  try {
    let piece = ''
    for await (const line of lines) {
      piece += `${line}\n`
      if (piece.length < PIECE_CHARACTERS) continue
      await write(piece)
      piece = ''
      if (isOver) break
    }
    if (piece !== '') stdout.write(piece)
    await stdout.finished()
  } finally {
    stdout.handler = null
  }
  if (stdout.error !== null) {
    throw new Failure(ExitCode.OUTPUT, `cannot write to standard output: ${stdout.error.message}`, stdout.error)
  }
}
