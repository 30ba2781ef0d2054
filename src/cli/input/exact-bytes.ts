import { readFileSync } from 'node:fs'

/** What Node puts in the place of bytes that are no UTF-8. */
const REPLACEMENT_CHARACTER = '\uFFFD'

/**
 * The bytes of a value from the command line. Node decodes arguments as UTF-8, and what is none is lost; on Linux the
 * kernel still knows the arguments as they were.
 * @param typed a whole word of process.argv, or the end of one
 */
export function exactBytes(typed: string): Buffer {
  return (typed.includes(REPLACEMENT_CHARACTER) ? fromCommandLine(typed) : null) ?? Buffer.from(typed)
}

function fromCommandLine(typed: string): Buffer | null {
  const word = commandLine().findLast((candidate) => candidate.toString().endsWith(typed))
  if (word === undefined) return null
  // what stands before the value, as in --message=TEXT, is the name of an option: ASCII, a byte per character
  return word.subarray(word.toString().length - typed.length)
}

function commandLine(): Buffer[] {
  const words: Buffer[] = []
  const bytes = readCommandLine()
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start)
    words.push(bytes.subarray(start, end))
    start = end + 1
  }
  return words
}

function readCommandLine(): Buffer {
  try {
    return readFileSync('/proc/self/cmdline')
  } catch {
    return Buffer.alloc(0) // only Linux has it
  }
}
