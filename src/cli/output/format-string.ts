import { isUtf8 } from 'node:buffer'
import type { Publish } from '../../codec/packets/publish.ts'
import type { Properties } from '../../codec/property.ts'
import { compactJson, indentedJson } from './exact-json.ts'
import type { ByteTarget, MessageFormat } from './message-format.ts'
import { isTimeConversion, localSecond, strftime } from './strftime.ts'

/** The format string makes no sense; the message says where and why. */
export class FormatStringError extends Error {}

/** What a format string needs beside the message. */
export interface FormatSettings {
  readonly withNewline: boolean
  /** %j and %J in several lines */
  readonly pretty: boolean
  now(): Date
  /** hears of a message that cannot be shown as asked */
  complain(text: string): void
}

/** A conversion, as `%-10.4t`. */
interface Flags {
  readonly isLeft: boolean
  readonly filler: ' ' | '0'
  /** characters at least */
  readonly width: number
  /** characters at most; -1: no limit */
  readonly precision: number
}

type Part = (publish: Publish, target: ByteTarget, now: Date) => void

const DEFAULT_FLAGS: Flags = { isLeft: false, filler: ' ', width: 0, precision: -1 }
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '0': '\0',
  a: '\u0007',
  e: '\u001b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}
const CONVERSION = /%(-?)(0?)(\d*)(?:\.(\d*))?([\s\S]?)/y
const NEWLINE = Buffer.from('\n')

/** What `-F` makes of a message: the output format of mosquitto_sub, whose widths never cut a payload here. */
export class FormatStringFormat implements MessageFormat {
  readonly #parts: readonly Part[]
  readonly #settings: FormatSettings

  /** @throws FormatStringError */
  constructor(format: string, settings: FormatSettings) {
    this.#settings = settings
    this.#parts = parseFormat(format, settings)
  }

  append(publish: Publish, target: ByteTarget): void {
    const now = this.#settings.now()
    for (const part of this.#parts) part(publish, target, now)
    if (this.#settings.withNewline) target.bytes(NEWLINE)
  }
}

function parseFormat(format: string, settings: FormatSettings): Part[] {
  const parts: Part[] = []
  let literal = ''
  const flush = (): void => {
    if (literal === '') return
    const bytes = Buffer.from(literal)
    parts.push((_, target) => target.bytes(bytes))
    literal = ''
  }
  for (let i = 0; i < format.length; ) {
    const character = format[i]!
    const next = format[i + 1]
    if (character === '%') {
      CONVERSION.lastIndex = i
      const match = CONVERSION.exec(format)!
      i += match[0].length
      if (match[5] === '%') {
        literal += '%'
        continue
      }
      flush()
      parts.push(conversion(match, settings))
    } else if (character === '@' || character === '\\') {
      if (next === undefined) throw new FormatStringError(`something behind the ${character} at its end`)
      i += 2
      if (character === '\\') literal += escapeOf(next)
      else if (next === '@') literal += '@'
      else {
        if (!isTimeConversion(next)) throw new FormatStringError(`a letter of strftime(3) behind @, not ${next}`)
        flush()
        parts.push((_, target, now) => target.text(strftime(next, now)))
      }
    } else {
      literal += character
      i++
    }
  }
  flush()
  return parts
}

function escapeOf(letter: string): string {
  const character = ESCAPES[letter]
  if (character === undefined) throw new FormatStringError(`one of \\\\ \\0 \\a \\e \\n \\r \\t \\v, not \\${letter}`)
  return character
}

function conversion(match: RegExpExecArray, settings: FormatSettings): Part {
  const [whole, minus, zero, width, precision, letter = ''] = match
  if (letter === '') throw new FormatStringError(`a letter behind ${whole}`)
  const make = Object.hasOwn(conversions, letter) ? conversions[letter] : undefined
  if (make === undefined) {
    throw new FormatStringError(`one of %${Object.keys(conversions).join(' %')} %%, not %${letter}`)
  }
  const isLeft = minus === '-'
  return make(
    {
      ...DEFAULT_FLAGS,
      isLeft,
      filler: zero === '0' && !isLeft ? '0' : ' ',
      width: Number(width),
      precision: precision === undefined ? -1 : Number(precision),
    },
    settings,
  )
}

const conversions: Readonly<Record<string, (flags: Flags, settings: FormatSettings) => Part>> = {
  A: numberOf((publish) => (publish.topicAlias === 0 ? undefined : publish.topicAlias)),
  C: textOf((publish) => publish.message.properties.contentType),
  D: () => (publish, target) => {
    const { correlationData } = publish.message.properties
    if (correlationData !== undefined) target.bytes(correlationData)
  },
  E: numberOf((publish) => publish.message.properties.messageExpiryIntervalSeconds),
  F: numberOf((publish) => publish.message.properties.payloadFormatIndicator),
  I: (flags) => (_, target, now) => target.text(fitted(localSecond(now) + strftime('z', now), flags)),
  j: (_, settings) => (publish, target, now) => {
    const json = JSON.stringify({ ...described(publish, now), ...quotedPayload(publish) })
    target.text(settings.pretty ? indentedJson(json) : json)
  },
  J: (_, settings) => (publish, target, now) => {
    const { payload, payloadBytes, topicName } = publish.message
    const value = payloadBytes === 0 ? 'null' : isUtf8(payload) ? compactJson(payload.toString()) : null
    if (value === null) return settings.complain(`the payload on ${JSON.stringify(topicName)} is not valid JSON`)
    const json = `${JSON.stringify(described(publish, now)).slice(0, -1)},"payload":${value}}`
    target.text(settings.pretty ? indentedJson(json) : json)
  },
  l: numberOf((publish) => publish.message.payloadBytes),
  m: numberOf((publish) => publish.packetId),
  P: () => (publish, target) =>
    target.text((publish.message.properties.userProperties ?? []).map((pair) => pair.join(':')).join(' ')),
  p: (flags) => (publish, target) => {
    const { payload } = publish.message
    const padding = ' '.repeat(Math.max(0, flags.width - payload.length))
    if (!flags.isLeft) target.text(padding)
    target.bytes(payload)
    if (flags.isLeft) target.text(padding)
  },
  q: () => (publish, target) => target.text(String(publish.qos)),
  R: textOf((publish) => publish.message.properties.responseTopic),
  r: () => (publish, target) => target.text(publish.message.retain ? '1' : '0'),
  S: numberOf((publish) => publish.subscriptionIdentifiers?.[0]),
  t: textOf((publish) => publish.message.topicName),
  U: () => (_, target, now) => target.text(`${strftime('s', now)}.${strftime('N', now)}`),
  x: hexOf((hex) => hex),
  X: hexOf((hex) => hex.toUpperCase()),
}

function numberOf(read: (publish: Publish) => number | undefined): (flags: Flags) => Part {
  return (flags) => (publish, target) => target.text(aligned(String(read(publish) ?? ''), flags))
}

function textOf(read: (publish: Publish) => string | undefined): (flags: Flags) => Part {
  return (flags) => (publish, target) => target.text(fitted(read(publish) ?? '', flags))
}

function hexOf(write: (hex: string) => string): (flags: Flags) => Part {
  return (flags) => (publish, target) => target.text(aligned(write(publish.message.payload.toString('hex')), flags))
}

// The precision counts characters, not bytes: what is cut stays UTF-8.
function fitted(text: string, flags: Flags): string {
  const cut = flags.precision < 0 ? text : [...text].slice(0, flags.precision).join('')
  return aligned(cut, { ...flags, filler: ' ' })
}

function aligned(text: string, { isLeft, filler, width }: Flags): string {
  const missing = Math.max(0, width - [...text].length)
  return isLeft ? text + ' '.repeat(missing) : filler.repeat(missing) + text
}

function described(publish: Publish, now: Date): Record<string, unknown> {
  const { message, qos, packetId, subscriptionIdentifiers } = publish
  const properties = describedProperties(message.properties, subscriptionIdentifiers)
  return {
    tst: `${localSecond(now)}.${strftime('N', now).slice(0, 6)}${strftime('z', now)}`,
    topic: message.topicName,
    qos,
    retain: message.retain ? 1 : 0,
    payloadlen: message.payloadBytes,
    ...(packetId === 0 ? {} : { mid: packetId }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
  }
}

function quotedPayload({ message }: Publish): object {
  const { payload } = message
  if (payload.length === 0) return { payload: null }
  return isUtf8(payload) ? { payload: payload.toString() } : { payloadBase64: payload.toString('base64') }
}

/** By the names of mosquitto, in the order of their identifiers, which is that in which most clients send them. */
function describedProperties(properties: Properties, identifiers: readonly number[] | null): Record<string, unknown> {
  const { correlationData, userProperties } = properties
  const isText = correlationData !== undefined && isUtf8(correlationData)
  const entries = {
    'payload-format-indicator': properties.payloadFormatIndicator,
    'message-expiry-interval': properties.messageExpiryIntervalSeconds,
    'content-type': properties.contentType,
    'response-topic': properties.responseTopic,
    'correlation-data': isText ? correlationData.toString() : undefined,
    'correlation-data-base64': isText ? undefined : correlationData?.toString('base64'),
    'subscription-identifier': identifiers?.[0],
    'user-properties': userProperties === undefined ? undefined : valuesByName(userProperties),
  }
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined))
}

// A name that is there several times has all its values, as a list.
function valuesByName(pairs: readonly (readonly [string, string])[]): Record<string, string | string[]> {
  const values = new Map<string, string | string[]>()
  for (const [name, value] of pairs) {
    const before = values.get(name)
    values.set(name, before === undefined ? value : [before, value].flat())
  }
  return Object.fromEntries(values)
}
