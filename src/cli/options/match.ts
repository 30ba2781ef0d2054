import type { CommandSpec } from './command-spec.ts'
import { generalOptions } from './general.ts'

/** All options of `match`. */
export const matchRows = { ...generalOptions } as const

/** Everything about `match` but what it does. */
export const matchSpec: CommandSpec<typeof matchRows> = {
  name: 'match',
  summary: 'which topic names a topic filter matches',
  synopsis: 'FILTER NAME...',
  description: [
    'Says for each topic name whether a subscription to the filter gets its messages, and why not. Nothing is connected.',
    'The exit code is 0 when all names match and 6 when one does not.',
  ],
  rows: matchRows,
  examples: [
    { text: 'One level, any name:', line: "mqtt-kit match 'home/+/door' home/attic/door" },
    { text: 'Why does # not show $SYS?', line: "mqtt-kit match '#' home/door '$SYS/broker/uptime'" },
    { text: 'A shared subscription:', line: "mqtt-kit match '$share/workers/jobs/#' jobs jobs/print" },
  ],
}
