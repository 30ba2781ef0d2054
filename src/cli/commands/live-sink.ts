import type { Publish } from '../../codec/packets/publish.ts'
import type { Context } from '../context.ts'
import type { LiveView } from '../output/live-view.ts'
import { watchStdout } from './message-printer.ts'
import type { MessageSink, SinkOwner } from './message-sink.ts'

const DEFAULT_ROWS = 24

/** Shows a view in each interval: on a terminal in place, in a pipe a line of JSON. */
export class LiveSink implements MessageSink {
  readonly #view: LiveView
  readonly #context: Context
  readonly #owner: SinkOwner
  readonly #timer: NodeJS.Timeout
  #shownAtMs = performance.now()
  #shownLines = 0

  constructor(view: LiveView, intervalMs: number, context: Context, owner: SinkOwner) {
    this.#view = view
    this.#context = context
    this.#owner = owner
    this.#timer = setInterval(() => this.#show(), intervalMs)
    watchStdout(context, owner)
  }

  take(publish: Publish): void {
    this.#view.add(publish)
  }

  async finish(): Promise<void> {
    clearInterval(this.#timer)
    this.#show()
  }

  #show(): void {
    const { stdout, terminal, streams } = this.#context
    const now = performance.now()
    const seconds = (now - this.#shownAtMs) / 1000
    this.#shownAtMs = now
    if (!terminal.stdoutIsLive) {
      const json = this.#view.json(seconds, new Date())
      if (json !== null && !stdout.write(`${json}\n`) && !this.#owner.ending.isOver) this.#owner.client.pauseMessages()
      return
    }
    // a pseudo-terminal that nobody gave a size has 0 of both
    const columns = streams.stdout.columns || terminal.columns
    const lines = this.#view.lines(seconds, columns, (streams.stdout.rows || DEFAULT_ROWS) - 1)
    const back = this.#shownLines === 0 ? '' : `\u001b[${this.#shownLines}A\r\u001b[J`
    this.#shownLines = lines.length
    stdout.write(back + lines.map((line) => `${line}\n`).join(''))
  }
}
