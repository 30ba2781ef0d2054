import { describe, expect, it } from 'vitest'
import { FormatStringError, FormatStringFormat } from '../../src/cli/output/format-string.ts'
import { Message } from '../../src/codec/message.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import type { Properties } from '../../src/codec/property.ts'

const NOW = new Date(2026, 10, 4, 9, 8, 7, 65)

interface Shown {
  topic?: string
  payload?: string | Buffer
  properties?: Properties
  qos?: 0 | 1 | 2
  retain?: boolean
  packetId?: number
  pretty?: boolean
}

/** What a format makes of one message, and what it complains of. */
function shown(format: string, message: Shown = {}): string {
  const { topic = 'a/b', payload = 'hello', properties = {}, qos = 0, retain = false, packetId = 0 } = message
  const publish = new Publish(Message.create(topic, payload, { properties, qos, retain }), qos, false, packetId)
  const bytes: Uint8Array[] = []
  const complaints: string[] = []
  const settings = {
    withNewline: false,
    pretty: message.pretty ?? false,
    now: () => NOW,
    complain: (text: string) => complaints.push(text),
  }
  new FormatStringFormat(format, settings).append(publish, {
    bytes: (part) => bytes.push(part),
    text: (part) => bytes.push(Buffer.from(part)),
  })
  return [Buffer.concat(bytes).toString('latin1'), ...complaints].join(' ! ')
}

const PROPERTIES: Properties = {
  contentType: 'text/plain',
  responseTopic: 'r/s',
  correlationData: Buffer.from([0, 0xff]),
  messageExpiryIntervalSeconds: 30,
  payloadFormatIndicator: 1,
  userProperties: [
    ['k', 'v'],
    ['k', 'w'],
  ],
}

describe('a format string', () => {
  it.each([
    ['%t %p', 'a/b hello'],
    ['%x %X', '68656c6c6f 68656C6C6F'],
    ['%l %q %r %m', '5 2 1 7'],
    ['%%@@\\\\', '%@\\'],
    ['\\0\\a\\e\\n\\r\\t\\v', '\0\u0007\u001b\n\r\t\v'],
    ['<%5l><%-5l><%05l>', '<    5><5    ><00005>'],
    ['<%6t><%-6t><%.2t><%5.1t>', '<   a/b><a/b   ><a/><    a>'],
    ['<%8p><%-8p><%2p>', '<   hello><hello   ><hello>'],
    ['<%012x><%-12X><%3x>', '<0068656c6c6f><68656C6C6F  ><68656c6c6f>'],
    ['grün', 'gr\u00c3\u00bcn'],
    ['%U', `${Math.floor(NOW.getTime() / 1000)}.065000000`],
    ['@Y-@m-@dT@H:@M:@S.@N', '2026-11-04T09:08:07.065000000'],
    ['@a @A @b @B @e @j @y @C @I @l @p @P', 'Wed Wednesday Nov November  4 308 26 20 09  9 AM am'],
    ['@D @F @T @R @r', '11/04/26 2026-11-04 09:08:07 09:08 09:08:07 AM'],
    ['@G @g @V @U @W @u @w', '2026 26 45 44 44 3 3'],
    ['@c', 'Wed Nov  4 09:08:07 2026'],
  ])('%s', (format, text) => {
    expect(shown(format, { qos: 2, retain: true, packetId: 7 })).toBe(text)
  })

  it('writes properties, and nothing or blanks where there are none', () => {
    const format = '%C|%R|%D|%E|%F|%P|%A|%S|%20C|%3E'
    expect(shown(format, { properties: PROPERTIES })).toBe(
      'text/plain|r/s|\u0000\u00ff|30|1|k:v k:w|||          text/plain| 30',
    )
    expect(shown(format)).toBe(`||||||||${' '.repeat(20)}|   `)
  })

  it('writes the subscription identifier and the topic alias', () => {
    const publish = new Publish(Message.create('a', 'x'), 0, false, 0)
    publish.subscriptionIdentifiers = [7, 8]
    publish.topicAlias = 3
    const texts: string[] = []
    const settings = { withNewline: true, pretty: false, now: () => NOW, complain: () => {} }
    new FormatStringFormat('%S %A', settings).append(publish, {
      bytes: (part) => texts.push(Buffer.from(part).toString()),
      text: (part) => texts.push(part),
    })
    expect(texts.join('')).toBe('7 3\n')
  })

  it('keeps every byte of a payload, zero bytes and broken UTF-8 too', () => {
    const payload = Buffer.from([0, 0xff, 0x0a, 0x61])
    expect(shown('[%p]', { payload })).toBe(`[${payload.toString('latin1')}]`)
    expect(shown('[%x]', { payload })).toBe('[00ff0a61]')
    expect(JSON.parse(shown('%j', { payload }))).toMatchObject({ payloadBase64: payload.toString('base64') })
  })

  it('cuts topics between characters, not within', () => {
    expect(shown('%.3t|%5.3t', { topic: 'a/ü' })).toBe('a/\u00c3\u00bc|  a/\u00c3\u00bc')
  })

  it('%j is JSON with a quoted payload', () => {
    const zone = shown('@z')
    expect(shown('%j', { qos: 1, packetId: 9, payload: '"\n\\', properties: { contentType: 't' } })).toBe(
      `{"tst":"2026-11-04T09:08:07.065000${zone}","topic":"a/b","qos":1,"retain":0,"payloadlen":3,"mid":9,` +
        '"properties":{"content-type":"t"},"payload":"\\"\\n\\\\"}',
    )
    expect(JSON.parse(shown('%j', { payload: '' })).payload).toBeNull()
  })

  it('%J is JSON with the payload as it is, numbers of any length and repeated keys included', () => {
    const payload = '{"a": 12345678901234567890123, "b" : [1.0, "x \\" y" ],\n "a": 2}'
    expect(shown('%J', { payload })).toContain('"payload":{"a":12345678901234567890123,"b":[1.0,"x \\" y"],"a":2}}')
    expect(shown('<%J>', { payload: 'no' })).toBe('<> ! the payload on "a/b" is not valid JSON')
  })

  it('shows %j and %J in several lines when pretty', () => {
    const text = shown('%J', { payload: '{"a":[1,{}]}', pretty: true })
    expect(text.split('\n').slice(-7)).toEqual(
      ['  "payload": {', '    "a": [', '      1,', '      {}', '    ]', '  }', '}'].slice(-8),
    )
  })

  it.each(['%', '%5', '%z', '@', '@!', 'a\\', '\\q', '%--5t'])('is refused when it is %s', (format) => {
    expect(() => shown(format)).toThrow(FormatStringError)
  })

  it('knows the ISO weeks at the turn of the year', () => {
    const settings = { withNewline: false, pretty: false, complain: () => {} }
    const weeks = [new Date(2021, 0, 3), new Date(2024, 11, 30), new Date(2026, 11, 31)].map((date) => {
      const texts: string[] = []
      const target = { bytes: (part: Uint8Array) => texts.push(String(part)), text: (part: string) => texts.push(part) }
      new FormatStringFormat('@G@V@U@W', { ...settings, now: () => date }).append(
        new Publish(Message.create('a', ''), 0, false, 0),
        target,
      )
      return texts.join(' ')
    })
    expect(weeks).toEqual(['2020 53 01 00', '2025 01 52 53', '2026 53 52 52'])
  })
})
