import type { CommandSpec } from './command-spec.ts'
import { generalOptions } from './general.ts'
import { inspectRows } from './inspect.ts'
import { flag } from './option-row.ts'

const { mqtt, dir, from, port, filter } = inspectRows

/** All options of `inspect diff`. */
export const inspectDiffRows = {
  mqtt,
  dir,
  from,
  port,
  filter: { ...filter, help: 'compare only packets for which EXPR holds, as in !pingreq && !pingresp' },
  json: flag({ group: 'Output', help: 'one JSON object per packet that differs, and line' }),
  ...generalOptions,
} as const

/** Everything about `inspect diff` but what it does. */
export const inspectDiffSpec: CommandSpec<typeof inspectDiffRows> = {
  name: 'inspect diff',
  summary: 'what differs between two inputs, field by field',
  synopsis: '[OPTION...] A B',
  description: [
    'Decodes two inputs, each a file, - for stdin, or the bytes as text in one argument, and shows which packets differ, in which ' +
      'fields, and which are in one of them only. Bytes count; times, frames and offsets do not.',
    'Packets of each connection and each side of it are put side by side in their order: those with the same bytes first, then those ' +
      'with the same topic, filter, client or packet identifier, then those of the same type.',
    'With --json a line has "difference" (changed, missing from B, added in B), "a" and "b" with the number of the packet and where it ' +
      'stands, and "fields" with the "difference" of each and both sides as inspect --json has them.',
    'The exit code is 0 when the inputs are equal, 11 when they differ, 2 when one of them is no MQTT.',
  ],
  rows: inspectDiffRows,
  examples: [
    { text: 'Two packets:', line: "mqtt-kit inspect diff '30 05 00 03 61 2f 62' '31 05 00 03 61 2f 63'" },
    { text: 'Two runs of a test:', line: 'mqtt-kit inspect diff before.pcapng after.pcapng' },
    { text: 'Without pings:', line: "mqtt-kit inspect diff --filter '!pingreq && !pingresp' a.pcap b.pcap" },
  ],
}
