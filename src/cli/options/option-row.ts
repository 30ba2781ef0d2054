/**
 * Options are data: one row each, and from the rows come the parser, help, man pages and environment variables. This file
 * knows what a row is; the groups beside it hold the rows; parse.ts turns argv into what was typed, and client-options.ts
 * and its sisters turn that into what it means. Nothing here connects, reads a file or prints.
 */

/** Heading under which help and man page show an option. */
export type OptionGroup =
  | 'Load'
  | 'Connection'
  | 'TLS'
  | 'Message'
  | 'Subscription'
  | 'Session'
  | 'Will'
  | 'Listening'
  | 'Access'
  | 'Storage'
  | 'Decoding'
  | 'Faults'
  | 'Limits'
  | 'Output'
  | 'General'

/** How one value is read and what it is called in help. */
export interface ValueKind<T> {
  /** upper case, as it stands in help: `SECONDS` */
  readonly name: string
  /** @throws ValueError */
  read(text: string): T
  /**
   * How many words of argv the value takes, given the words that follow the option; absent: one. Several words reach
   * `read` joined by NUL, which no word of argv can hold.
   */
  words?(following: readonly string[]): number
  /** what shells offer for it, when that is some words; files, folders and profiles are known by the name */
  readonly choices?: readonly string[]
  /** of a value of several words: what shells offer for the second one, the third one ... */
  readonly furtherChoices?: readonly (readonly string[])[]
}

/** The text is not a value of its kind. The message says what is, not what was typed: `a number from 0 to 2`. */
export class ValueError extends Error {}

/** What a row says about its option, beside its value. */
export interface OptionText {
  readonly group: OptionGroup
  /** one letter */
  readonly short?: string
  /** long names that people know from other tools; accepted, and in no help */
  readonly aliases?: readonly string[]
  /** what holds when the option is not given, as help shows it; absent: nothing to say */
  readonly default?: string
  readonly unit?: string
  /** false: no environment variable sets it. Default true. */
  readonly environment?: boolean
  /** true: messages never repeat what was typed */
  readonly secret?: boolean
  /** what to say beside a missing value */
  readonly missing?: string
  /** one line, in lower case, without a full stop */
  readonly help: string
  /** further sentences for the man page */
  readonly more?: string
}

/** One option; what was typed for it is a T. */
export interface OptionRow<T> extends OptionText {
  /** null: the option is a switch */
  readonly value: ValueKind<unknown> | null
  readonly repeatable: boolean
  /** Adds one occurrence to what was typed before. @throws ValueError */
  collect(before: T | undefined, text: string): T
}

/** Rows by key; the long name is the key in kebab case. */
export type OptionRows = Readonly<Record<string, OptionRow<unknown>>>

/** What was typed, by key; an option that was not given is undefined. */
export type Typed<Rows extends OptionRows> = {
  -readonly [Key in keyof Rows]?: Rows[Key] extends OptionRow<infer T> ? T : never
}

/** A row for an option that stands alone. */
export function flag(text: OptionText): OptionRow<boolean> {
  return { ...text, value: null, repeatable: false, collect: () => true }
}

/** A row for an option with one value; the last one given counts. */
export function one<T>(value: ValueKind<T>, text: OptionText): OptionRow<T> {
  return { ...text, value, repeatable: false, collect: (_, typed) => value.read(typed) }
}

/** A row for an option that may be given several times. */
export function many<T>(value: ValueKind<T>, text: OptionText): OptionRow<readonly T[]> {
  return { ...text, value, repeatable: true, collect: (before = [], typed) => [...before, value.read(typed)] }
}

/** `willTopic` -> `will-topic` */
export function longName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** `willTopic` -> `MQTT_KIT_WILL_TOPIC` */
export function environmentName(key: string): string {
  return `MQTT_KIT_${longName(key).replaceAll('-', '_').toUpperCase()}`
}

/** How messages name an option: `-q` when it has a letter, else `--repeat`. */
export function shortestName(key: string, row: OptionText): string {
  return row.short === undefined ? `--${longName(key)}` : `-${row.short}`
}
