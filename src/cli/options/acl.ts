import type { CommandSpec } from './command-spec.ts'
import { generalOptions } from './general.ts'
import { one } from './option-row.ts'
import { mqttText } from './values.ts'

/** All options of `acl`. */
export const aclRows = {
  user: one(mqttText('NAME'), {
    group: 'Access',
    short: 'u',
    aliases: ['username'],
    environment: false,
    help: 'user name of the client; none: anonymous',
  }),
  id: one(mqttText('ID'), {
    group: 'Access',
    short: 'i',
    aliases: ['client-id'],
    environment: false,
    default: 'client',
    help: 'client identifier, for patterns with %c',
  }),
  ...generalOptions,
} as const

/** Everything about `acl` but what it does. */
export const aclSpec: CommandSpec<typeof aclRows> = {
  name: 'acl',
  summary: 'check an ACL file, and what it says to a client',
  synopsis: 'check FILE [OPTION...] [read|write|subscribe TOPIC]',
  description: [
    'Checks an ACL file for serve --acl. With a question it says whether the client may read or write the topic or subscribe to ' +
      'the filter, and which line decides.',
    'The exit code is 0 for yes; for no it is 6 to read and subscribe and 9 to write, and 2 for a file with mistakes.',
  ],
  rows: aclRows,
  operands: [{ words: ['check'] }, { from: 'files' }, { words: ['read', 'write', 'subscribe'] }, {}],
  examples: [
    { text: 'Is the file in order?', line: 'mqtt-kit acl check rules' },
    { text: 'May ann publish there?', line: 'mqtt-kit acl check rules -u ann write home/door' },
    { text: 'What of a subscription to everything?', line: "mqtt-kit acl check rules -u ann subscribe '#'" },
  ],
}
