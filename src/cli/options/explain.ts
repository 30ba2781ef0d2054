import { PacketType, packetTypeNames } from '../../codec/packet-type.ts'
import { properties } from '../../codec/property.ts'
import { reasonCodeName, reasonCodes } from '../../codec/reason-code.ts'
import type { CommandSpec } from './command-spec.ts'
import { generalOptions } from './general.ts'

/** `Not authorized` -> `not-authorized` */
export function wordOf(name: string): string {
  return name.trim().toLowerCase().replaceAll(/[ _]+/g, '-')
}

/** The names of a Reason Code in the packets that give it one of their own. */
export function namesOf(reasonCode: number): string[] {
  const names = [undefined, PacketType.SUBACK, PacketType.DISCONNECT].map((type) => reasonCodeName(reasonCode, type))
  return [...new Set(names.map(wordOf))]
}

/** All words that can be explained; numbers can be, too. */
export const explainableTerms: readonly string[] = [
  ...Object.values(PacketType).map((type) => wordOf(packetTypeNames[type]!)),
  ...properties.map(({ name }) => wordOf(name)),
  ...reasonCodes.flatMap(namesOf),
]

/** All options of `explain`. */
export const explainRows = { ...generalOptions } as const

/** Everything about `explain` but what it does. */
export const explainSpec: CommandSpec<typeof explainRows> = {
  name: 'explain',
  summary: 'what a reason code, packet or property is',
  synopsis: 'TERM...',
  description: [
    'Explains reason codes (0x87, 135, not-authorized), packets (connack) and properties (receive-maximum): what they mean, ' +
      'where they may stand and who may send them. Nothing is connected.',
    'A number from 0 to 5 is also a return code of CONNACK in MQTT 3.1 and 3.1.1. A term that MQTT does not know ends in ' +
      'exit code 2.',
  ],
  rows: explainRows,
  operands: [{ words: [...new Set(explainableTerms)] }],
  examples: [
    { text: 'The broker said 0x87:', line: 'mqtt-kit explain 0x87' },
    { text: 'What may stand in CONNACK?', line: 'mqtt-kit explain connack' },
    { text: 'A property and a code of MQTT 3.1.1:', line: 'mqtt-kit explain receive-maximum 5' },
  ],
}
