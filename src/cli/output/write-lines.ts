import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import type { StandardOutput } from './standard-output.ts'

/** Lines are put together up to this size before they are written. */
const PIECE_CHARACTERS = 64 * 1024

/**
 * Writes lines as fast as the reader takes them, and asks for no more than that. A reader that goes ends it quietly.
 * @throws Failure (rejects) OUTPUT
 */
export function writeLines(stdout: StandardOutput, lines: AsyncIterable<string>): Promise<void> {
  return writePieces(stdout, joined(lines))
}

async function* joined(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let piece = ''
  for await (const line of lines) {
    piece += `${line}\n`
    if (piece.length < PIECE_CHARACTERS) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

/**
 * Writes pieces one by one, as {@link writeLines}. What was written before the source of the pieces throws is written.
 * @throws Failure (rejects) OUTPUT, and what the source throws
 */
export async function writePieces(stdout: StandardOutput, pieces: AsyncIterable<string | Uint8Array>): Promise<void> {
  let isOver = false
  let wake: () => void = () => {}
  const write = (piece: string | Uint8Array): Promise<void> | undefined => {
    if (stdout.write(piece) || isOver) return undefined
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
    for await (const piece of pieces) {
      await write(piece)
      if (isOver) break
    }
    await stdout.finished()
  } finally {
    stdout.handler = null
  }
  if (stdout.error !== null) {
    throw new Failure(ExitCode.OUTPUT, `cannot write to standard output: ${stdout.error.message}`, stdout.error)
  }
}
