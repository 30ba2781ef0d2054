import type { OptionRows } from './option-row.ts'

/** A command line to show: it must parse, and a test sees to that. */
export interface Example {
  /** what it does, with a colon at the end */
  readonly text: string
  readonly line: string
}

/** Everything about a command but what it does: the source of its parser, help and man page. */
export interface CommandSpec<Rows extends OptionRows = OptionRows> {
  readonly name: string
  /** one phrase in lower case */
  readonly summary: string
  /** what follows `mqtt-kit NAME` */
  readonly synopsis: string
  /** paragraphs for the man page; the first one stands in help too */
  readonly description: readonly string[]
  readonly rows: Rows
  readonly examples: readonly Example[]
}
