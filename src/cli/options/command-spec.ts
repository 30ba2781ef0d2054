import type { OptionRows } from './option-row.ts'

/** A command line to show: it must parse, and a test sees to that. */
export interface Example {
  /** what it does, with a colon at the end */
  readonly text: string
  readonly line: string
}

/** What shells offer for an argument that is no option. */
export interface OperandOffer {
  readonly words?: readonly string[]
  readonly from?: 'files' | 'directories'
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
  /** in their order, the last one for all that follow; absent: shells have nothing to offer */
  readonly operands?: readonly OperandOffer[]
  readonly examples: readonly Example[]
}
