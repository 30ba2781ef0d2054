import type { ReadStream } from 'node:tty'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import type { Target } from '../options/target.ts'

/**
 * Gets the password from where it is: a file, a variable, the terminal, or the text itself.
 * @param usesStdin true when stdin is data: then nobody can be asked there
 * @returns null when there is none
 */
export async function readPassword({ password }: Target, context: Context, usesStdin: boolean): Promise<Buffer | null> {
  if (password === null) return null
  const { kind, text } = password
  if (kind === 'file') return readPasswordFile(text)
  if (kind === 'terminal') return ask(context, usesStdin)
  if (kind === 'text') return Buffer.from(text)
  const value = context.environment[text]
  if (value === undefined) throw new UsageError(`--password-env: there is no environment variable ${text}`)
  return Buffer.from(value)
}

async function readPasswordFile(path: string): Promise<Buffer> {
  // loaded here: it takes 3 ms, and most have no such file
  const { readFile } = await import('node:fs/promises')
  try {
    const content = await readFile(path)
    const end = content.at(-1) === 0x0a ? (content.at(-2) === 0x0d ? -2 : -1) : content.length
    return content.subarray(0, end)
  } catch (error) {
    throw new Failure(ExitCode.USAGE, `cannot read --password-file ${path}: ${(error as Error).message}`, error)
  }
}

const ENTER = /[\r\n]/
const CONTROL_C = '\u0003'
const CONTROL_D = '\u0004'
const BACKSPACES = new Set(['\u0008', '\u007f'])

function ask(context: Context, usesStdin: boolean): Promise<Buffer> {
  const { stdin } = context.streams
  if (usesStdin || !stdin.isTTY) {
    throw new UsageError('-P - asks for the password, which needs stdin to be a terminal; use --password-file')
  }
  return askPassword(context, 'password: ')
}

/** Asks on the terminal that stdin must be; nothing that is typed is shown. */
export async function askPassword(context: Context, question: string): Promise<Buffer> {
  const { stdin } = context.streams
  // before the question: who answers at once would be shown
  stdin.setRawMode(true)
  try {
    context.stderr.write(question)
    return Buffer.from(await typedLine(stdin))
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    context.stderr.write('\n')
  }
}

// Nothing is echoed, so the terminal is in raw mode and its keys are ours to understand.
function typedLine(stdin: ReadStream): Promise<string> {
  stdin.setEncoding('utf8')
  return new Promise((resolve, reject) => {
    let line = ''
    const read = (text: string): void => {
      for (const character of text) {
        if (ENTER.test(character) || character === CONTROL_D) {
          stdin.off('data', read)
          return resolve(line)
        }
        if (character === CONTROL_C) {
          stdin.off('data', read)
          return reject(new Failure(ExitCode.INTERRUPTED, 'no password was given'))
        }
        line = BACKSPACES.has(character) ? [...line].slice(0, -1).join('') : line + character
      }
    }
    stdin.on('data', read)
  })
}
