import type { Publish } from '../../codec/packets/publish.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { FormatStringError, FormatStringFormat } from '../output/format-string.ts'
import { JsonLinesFormat } from '../output/json-lines.ts'
import type { MessageFormat } from '../output/message-format.ts'
import { MosquittoTextFormat, TextFormat } from '../output/text.ts'
import { TurnBuffer } from '../output/turn-buffer.ts'
import type { MessageSink, SinkOwner } from './message-sink.ts'

/** How messages are printed, as typed. */
export interface PrintOptions {
  readonly verbose?: boolean
  readonly noNewline?: boolean
  readonly json?: boolean
  readonly format?: string
  readonly pretty?: boolean
  readonly mosquittoOutput?: boolean
}

/** Prints messages on stdout. While its reader is slow the client reads nothing; when it has gone the command is done. */
export class MessagePrinter implements MessageSink {
  readonly #format: MessageFormat
  readonly #printed: TurnBuffer

  /** @throws UsageError for a format string that makes no sense */
  constructor(typed: PrintOptions, context: Context, owner: SinkOwner) {
    this.#format = messageFormat(typed, context)
    this.#printed = new TurnBuffer(context.stdout, () => owner.client.pauseMessages())
    watchStdout(context, owner)
  }

  take(publish: Publish): void {
    this.#format.append(publish, this.#printed)
  }

  async finish(): Promise<void> {
    this.#printed.flush()
  }
}

/** Reads on when stdout has room again, and ends when nothing can be written any more. */
export function watchStdout({ stdout }: Context, owner: SinkOwner): void {
  const { ending } = owner
  stdout.handler = {
    drained: () => {
      if (!ending.isOver) owner.client.resumeMessages()
    },
    failed: (error) => {
      // null: the reader has gone, it has all it wanted
      if (error !== null) {
        ending.fail(new Failure(ExitCode.OUTPUT, `cannot write to stdout: ${error.message}`, error))
        return
      }
      owner.client.pauseMessages()
      ending.with(ExitCode.DONE)
    },
  }
}

function messageFormat(typed: PrintOptions, { talk }: Context): MessageFormat {
  const now = (): Date => new Date()
  if (typed.format === undefined) {
    if (typed.json) return new JsonLinesFormat(now)
    const Format = typed.mosquittoOutput ? MosquittoTextFormat : TextFormat
    return new Format(typed.verbose ?? false, !typed.noNewline)
  }
  if (typed.json) throw new UsageError('give either -F or --json, not both')
  try {
    return new FormatStringFormat(typed.format, {
      withNewline: !typed.noNewline,
      pretty: typed.pretty ?? false,
      now,
      complain: (text) => talk.say(text),
    })
  } catch (error) {
    if (error instanceof FormatStringError) {
      throw new UsageError(`-F ${JSON.stringify(typed.format)}: expected ${error.message}`)
    }
    throw error
  }
}
