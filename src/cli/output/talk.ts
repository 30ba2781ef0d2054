import type { Painter } from '../terminal.ts'
import type { StandardOutput } from './standard-output.ts'

/** What a command tells people: lines on stderr with the name of the command in front. */
export class Talk {
  readonly #stderr: StandardOutput
  readonly #name: string
  readonly #painter: Painter
  /** true: nothing is said any more */
  quiet = false

  /** @param name `mqtt-kit pub` */
  constructor(stderr: StandardOutput, name: string, painter: Painter) {
    this.#stderr = stderr
    this.#name = name
    this.#painter = painter
  }

  /** Something happened that goes on: a reconnect, a refused filter. */
  say(text: string): void {
    if (!this.quiet) this.#stderr.write(`${this.#name}: ${oneLine(text)}\n`)
  }

  /** What the command ends with. */
  fail(text: string): void {
    if (!this.quiet) this.#stderr.write(`${this.#painter.error(`${this.#name}:`)} ${oneLine(text)}\n`)
  }

  /** A line as it is: a packet, a log entry. */
  line(text: string): void {
    if (!this.quiet) this.#stderr.write(`${text}\n`)
  }
}

/** Texts may come from a peer: what would move the cursor or start a line is shown as an escape. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    const code = character.charCodeAt(0)
    return code === 10 ? '\\n' : `\\u${code.toString(16).padStart(4, '0')}`
  })
}
