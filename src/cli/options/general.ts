import { flag, one } from './option-row.ts'
import { duration } from './values.ts'

/** What every command understands. */
export const generalOptions = {
  help: flag({ group: 'General', environment: false, help: 'show this help' }),
} as const

/** How client commands talk on stderr, and how long they may take. */
export const clientOutputOptions = {
  debug: flag({ group: 'Output', short: 'd', help: 'show every packet on stderr' }),
  quiet: flag({ group: 'Output', help: 'no messages on stderr; the exit code tells' }),
  timeout: one(duration, {
    group: 'Output',
    short: 'W',
    help: 'end with exit code 27 after this time',
    more: 'Counted from the start of the program. Seconds with decimals, or with a unit: 1.5, 500ms, 2m.',
  }),
} as const
