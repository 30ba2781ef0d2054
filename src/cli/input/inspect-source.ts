import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'

const CHUNK_BYTES = 256 * 1024

/** Bytes in chunks; a chunk is good for as long as its reader wants. */
export type ByteSource = Iterable<Buffer> | AsyncIterable<Buffer>

/** What the arguments name. Those that are no files are one text: the shell may have cut it at its spaces. */
export function sourcesOf(
  operands: readonly string[],
  { stdin }: Context['streams'],
  question = 'what to inspect? Give a file, - or bytes as text',
): ByteSource[] {
  if (operands.length === 0 && stdin.isTTY) throw new UsageError(question)
  if (operands.length === 0) return [stdin]
  const sources: ByteSource[] = []
  const text: string[] = []
  for (const operand of operands) {
    if (operand === '-') sources.push(stdin)
    else if (existsSync(operand)) sources.push(fileChunks(operand))
    else text.push(operand)
  }
  return text.length === 0 ? sources : [...sources, [Buffer.from(text.join(' '))]]
}

/** The bytes of a file. @throws Failure when it cannot be read */
export function* fileChunks(path: string): Generator<Buffer> {
  let file = -1
  try {
    file = openSync(path, 'r')
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const length = readSync(file, chunk)
      if (length === 0) return
      yield chunk.subarray(0, length)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new Failure(ExitCode.USAGE, `cannot read ${path}: ${(error as Error).message}`, error)
  } finally {
    if (file >= 0) closeSync(file)
  }
}

/** Takes gzip off where there is some. */
export async function* withoutGzip(source: ByteSource): AsyncGenerator<Buffer> {
  const iterator = Symbol.iterator in source ? source[Symbol.iterator]() : source[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (first.done === true) return
  const rest = async function* (): AsyncGenerator<Buffer> {
    yield first.value
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  }
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) return yield* rest()
  const { createGunzip } = await import('node:zlib')
  const { Readable } = await import('node:stream')
  const gunzip = createGunzip()
  const compressed = Readable.from(rest())
  compressed.on('error', (error) => gunzip.destroy(error))
  try {
    yield* compressed.pipe(gunzip) as AsyncIterable<Buffer>
  } catch (error) {
    throw new Failure(ExitCode.USAGE, `the gzip data is damaged: ${(error as Error).message}`, error)
  }
}
