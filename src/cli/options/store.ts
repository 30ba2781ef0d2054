import type { CommandSpec } from './command-spec.ts'
import { generalOptions } from './general.ts'
import { flag } from './option-row.ts'

/** All options of `store`. */
export const storeRows = {
  json: flag({ group: 'Output', environment: false, help: 'list: a JSON object per session and line' }),
  ...generalOptions,
} as const

/** Everything about `store` but what it does. */
export const storeSpec: CommandSpec<typeof storeRows> = {
  name: 'store',
  summary: 'what serve --data has kept: list, export, import',
  synopsis: '[list|show|export|import] DIR [CLIENT-ID]',
  description: [
    'Works on the directory of serve --data while no broker runs there: list (the default) shows its sessions, show one of them, ' +
      'export writes all that is in it as JSON lines to standard output, import fills a new directory with such lines from standard ' +
      'input.',
    'A line is an object whose "kind" is session, will, message or retained. A session ("clientId", "owner", ' +
      '"sessionExpiryIntervalSeconds", "disconnectedAt", "subscriptions", "incomingQos2") comes before its will and its messages, ' +
      'which stand in the order in which they go out and name its "clientId". Messages have "topic", "payload" or "payloadBase64", ' +
      '"qos", "retain" and "properties" as in sub --json, and "publisher", "arrivedAt" and "sequence"; those on their way to a ' +
      'session have "deliveryQos", "deliveryRetain" and, once they were sent, "exchange". Export and import lose nothing.',
    'Lines written by hand need no more than "kind", "clientId" of a session and "topic" of a message; serve --state starts from such a ' +
      'file in memory.',
  ],
  rows: storeRows,
  operands: [{ words: ['list', 'show', 'export', 'import'], from: 'directories' }, { from: 'directories' }, {}],
  examples: [
    { text: 'Who has a session, and how much waits for it?', line: 'mqtt-kit store /var/lib/mqtt-kit' },
    { text: 'What waits for one client:', line: 'mqtt-kit store show /var/lib/mqtt-kit sensor-7' },
    { text: 'Save everything:', line: 'mqtt-kit store export /var/lib/mqtt-kit > saved.jsonl' },
  ],
}
