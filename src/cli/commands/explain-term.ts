import { maySend, PacketType, packetTypeNames, Role } from '../../codec/packet-type.ts'
import {
  mayStandIn,
  type PropertyPlace,
  type PropertyRow,
  PropertyType,
  properties,
  WILL_PROPERTIES,
} from '../../codec/property.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import {
  formatReasonCode,
  formatReturnCode,
  isReasonCodeAllowed,
  ReturnCode,
  reasonCodeFor,
  reasonCodeName,
  reasonCodes,
  returnCodeFor,
} from '../../codec/reason-code.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import { nearest } from '../nearest.ts'
import { explainableTerms, type explainRows, namesOf, wordOf } from '../options/explain.ts'
import type { Parsed } from '../options/parse.ts'
import { reasonCodeAdvice } from '../output/reason-code-advice.ts'

const packetTypes: readonly PacketType[] = Object.values(PacketType)
const returnCodes: readonly number[] = Object.values(ReturnCode)

/** `mqtt-kit explain`: what the tables of the codec say about a Reason Code, a packet or a property. */
export async function run({ operands }: Parsed<typeof explainRows>, context: Context): Promise<ExitCode> {
  if (operands.length === 0) throw new UsageError('what to explain? Give a reason code, a packet or a property')
  const explanations = operands.map((term) => explainTerm(term).join('\n'))
  context.stdout.write(`${explanations.join('\n\n')}\n`)
  return ExitCode.DONE
}

function explainTerm(term: string): string[] {
  const code = /^(?:0x[0-9a-f]+|\d+)$/i.test(term) ? Number(term) : null
  if (code !== null) return explainNumber(term, code)
  const word = wordOf(term)
  const packetType = packetTypes.find((type) => wordOf(packetTypeNames[type]!) === word)
  if (packetType !== undefined) return explainPacket(packetType)
  const row = properties.find(({ name }) => wordOf(name) === word)
  if (row !== undefined) return explainProperty(row)
  const named = reasonCodes.find((candidate) => namesOf(candidate).includes(word))
  if (named !== undefined) return explainReasonCode(named)
  const meant = nearest(word, explainableTerms)
  const hint = meant === null ? 'give a reason code (0x87), a packet (connack) or a property' : `did you mean ${meant}?`
  throw new UsageError(`MQTT has no ${JSON.stringify(term)}; ${hint}`)
}

// ---- codes

function explainNumber(term: string, code: number): string[] {
  const sections: string[][] = []
  if (reasonCodes.includes(code)) sections.push(explainReasonCode(code))
  if (returnCodes.includes(code)) sections.push(explainReturnCode(code))
  if (sections.length === 0) throw new UsageError(`MQTT has no reason code ${term}; the codes go from 0x00 to 0xA2`)
  return sections.flatMap((lines, i) => (i === 0 ? lines : ['', ...lines]))
}

function explainReasonCode(code: number): string[] {
  const places = packetTypes.flatMap((type) => {
    const senders = sendersOf((role) => isReasonCodeAllowed(type, code, role))
    if (senders === null) return []
    const ownName = reasonCodeName(code, type)
    const named = ownName === reasonCodeName(code) ? '' : ` as ${ownName}`
    return [`  ${packetTypeNames[type]!.padEnd(10)}  sent by ${senders}${named}`]
  })
  const lines = [`${formatReasonCode(code)} (${code}), reason code of MQTT 5.0`]
  const advice = reasonCodeAdvice.get(code)
  if (advice !== undefined) lines.push(advice)
  lines.push(...places)
  const twin = returnCodeFor(code)
  if (twin !== null) lines.push(`CONNACK of MQTT 3.1 and 3.1.1 says ${formatReturnCode(twin)}.`)
  if (code === 0x80) lines.push('SUBACK of MQTT 3.1.1 refuses a filter with it, whatever the reason.')
  return lines
}

function explainReturnCode(code: number): string[] {
  const twin = reasonCodeFor(code)
  const lines = [`${formatReturnCode(code)}, in CONNACK of MQTT 3.1 and 3.1.1`]
  if (code === ReturnCode.ACCEPTED) return lines
  return [...lines, reasonCodeAdvice.get(twin)!, `MQTT 5.0 says ${formatReasonCode(twin)}.`]
}

// ---- packets

function explainPacket(type: PacketType): string[] {
  const version = ProtocolVersion.V5
  const senders = sendersOf((role) => maySend(role, type, version))
  const lines = [`${packetTypeNames[type]}, packet type ${type}, sent by ${senders}`]
  if (type === PacketType.AUTH) lines.push('MQTT 5.0 only.')
  if (type === PacketType.DISCONNECT) lines.push('Before MQTT 5.0 sent by the client only, and without a reason code.')
  const codes = reasonCodes.flatMap((code) => {
    const codeSenders = sendersOf((role) => isReasonCodeAllowed(type, code, role))
    if (codeSenders === null) return []
    return [`  ${formatReasonCode(code, type)}${codeSenders === senders ? '' : `, sent by ${codeSenders}`}`]
  })
  if (codes.length > 0) lines.push('Reason codes in MQTT 5.0:', ...codes)
  if (type === PacketType.CONNACK) {
    lines.push('Return codes in MQTT 3.1 and 3.1.1:', ...returnCodes.map((code) => `  ${formatReturnCode(code)}`))
  }
  const allowed = properties.filter((row) => mayStandIn(row, type))
  if (allowed.length > 0) lines.push('Properties in MQTT 5.0:', ...allowed.map((row) => `  ${hex(row.id)} ${row.name}`))
  return lines
}

function sendersOf(may: (role: Role) => boolean): string | null {
  const client = may(Role.CLIENT)
  const server = may(Role.SERVER)
  if (client && server) return 'client and server'
  if (client) return 'the client'
  return server ? 'the server' : null
}

// ---- properties

const typeNames: Readonly<Record<PropertyType, string>> = {
  [PropertyType.BYTE]: 'a byte',
  [PropertyType.UINT16]: 'a two byte integer',
  [PropertyType.UINT32]: 'a four byte integer',
  [PropertyType.VARIABLE_BYTE_INTEGER]: 'a variable byte integer',
  [PropertyType.STRING]: 'a UTF-8 string',
  [PropertyType.BINARY]: 'binary data',
  [PropertyType.STRING_PAIR]: 'a pair of UTF-8 strings',
}

function explainProperty(row: PropertyRow): string[] {
  const everywhere: readonly PropertyPlace[] = [...packetTypes, WILL_PROPERTIES]
  const places = everywhere.filter((place) => mayStandIn(row, place))
  const names = places.map((place) => (place === WILL_PROPERTIES ? 'the will' : packetTypeNames[place]!))
  return [
    `${row.name}, property ${hex(row.id)} (${row.id}) of MQTT 5.0`,
    `It is ${typeNames[row.type]}${rangeOf(row)}${row.list ? ', and may stand more than once' : ''}.`,
    `It may stand in ${names.join(', ')}.`,
  ]
}

function rangeOf({ type, minimum, maximum }: PropertyRow): string {
  const largest: Partial<Record<PropertyType, number>> = {
    [PropertyType.BYTE]: 0xff,
    [PropertyType.UINT16]: 0xffff,
    [PropertyType.UINT32]: 0xffff_ffff,
    [PropertyType.VARIABLE_BYTE_INTEGER]: 268_435_455,
  }
  const limit = largest[type]
  return limit === undefined ? '' : ` from ${minimum} to ${Math.min(limit, maximum)}`
}

function hex(id: number): string {
  return `0x${id.toString(16).padStart(2, '0').toUpperCase()}`
}
