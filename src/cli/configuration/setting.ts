import { dirname, resolve } from 'node:path'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import { type OptionRow, type OptionRows, type Typed, ValueError } from '../options/option-row.ts'

/** One option as it stands in a file. */
export interface Setting {
  /** of its row */
  readonly key: string
  /** as messages name it */
  readonly name: string
  /** as it would be typed; empty for a switch */
  readonly text: string
  readonly position: Position
}

/** A place in a file, from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A configuration that cannot be used: one line with the place of the mistake. */
export class ConfigError extends Failure {
  override readonly name = 'ConfigError'

  constructor(path: string, { line, column }: Position, what: string) {
    super(ExitCode.USAGE, `${path}:${line}:${column}: ${what}`)
  }
}

/** Kinds of values that name a file; such names are relative to the file they stand in. */
const PATHS = new Set(['FILE', 'DIR', 'PATH'])

/**
 * What the settings of a file mean, as if they had been typed.
 * @throws ConfigError for a value that the option does not take
 */
export function collectSettings<Rows extends OptionRows>(
  settings: readonly Setting[],
  rows: Rows,
  path: string,
): Typed<Rows> {
  const result: Record<string, unknown> = {}
  for (const setting of settings) {
    const row = rows[setting.key]!
    try {
      result[setting.key] = row.collect(result[setting.key] as never, settingText(setting, row, path))
    } catch (error) {
      if (!(error instanceof ValueError)) throw error
      const shown = row.secret === true || row.value === null ? '' : ` ${JSON.stringify(setting.text)}`
      throw new ConfigError(path, setting.position, `${setting.name}${shown}: expected ${error.message}`)
    }
  }
  return result as Typed<Rows>
}

/** What stands in the file as it would be typed elsewhere: names of files are absolute. */
export function settingText({ text }: Setting, row: OptionRow<unknown>, path: string): string {
  return row.value !== null && PATHS.has(row.value.name) ? resolve(dirname(path), text) : text
}
