import { describe, expect, it } from 'vitest'
import { filled } from '../../src/cli/input/filled-template.ts'
import { readJsonMessage } from '../../src/cli/input/json-message.ts'
import type { MessageSource, OutgoingSink } from '../../src/cli/input/message-source.ts'
import { PacedMessages } from '../../src/cli/input/paced-messages.ts'
import { ValueError } from '../../src/cli/options/option-row.ts'
import { Message } from '../../src/codec/message.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { formatAddress } from '../../src/transport/address.ts'
import { type ProgramOptions, run, shell, start } from '../support/program.ts'
import { ScriptedBroker } from '../support/scripted-broker.ts'
import { startBroker } from '../support/test-broker.ts'

/** What `pub` would send, as topic, payload in hex, and QoS and RETAIN. */
async function dry(args: readonly string[], options: ProgramOptions = {}) {
  const { exitCode, stdout, stderr } = await run(['pub', '--dry-run', '-V', '3.1.1', ...args], options)
  const packets = stdout.trimEnd().split('\n').filter(Boolean)
  return {
    exitCode,
    stderr,
    messages: packets.map((hex) => {
      const bytes = Buffer.from(hex, 'hex')
      const topicEnd = 4 + bytes.readUInt16BE(2)
      const qos = (bytes[0]! >> 1) & 3
      return `${bytes.subarray(4, topicEnd)} ${bytes.subarray(topicEnd + (qos > 0 ? 2 : 0))} ${bytes[0]! & 7}`
    }),
  }
}

describe('pub', () => {
  it('takes topic and payload from each line with --topic-lines', async () => {
    const { messages } = await dry(['--topic-lines', ': ', '-q', '1'], { input: 'a/b: one: two\nc: \n' })

    expect(messages).toEqual(['a/b one: two 2', 'c  2'])
  })

  it.each([
    ['no separator', /message 2: expected TOPIC:PAYLOAD, not "no separator"/],
    ['a/#:x', /message 2: expected a topic name: the wildcards/],
    ['\xff:x', /message 2: expected a topic that is UTF-8/],
  ])('ends at a line without a topic: %j', async (line, message) => {
    const input = Buffer.from(`a:1\n${line}\na:3\n`, 'latin1')
    const { exitCode, stderr, messages } = await dry(['--topic-lines', ':'], { input })

    expect({ exitCode, messages }).toEqual({ exitCode: 2, messages: ['a 1 0'] })
    expect(stderr).toMatch(message)
  })

  it('writes payloads as hex and base64, and sub --decode reads them', async () => {
    expect((await dry(['-t', 'a', '-s', '--encode', 'hex'], { input: Buffer.from([0, 255]) })).messages).toEqual([
      'a 00ff 0',
    ])
    expect((await dry(['-t', 'a', '-m', 'hello', '--encode', 'base64'])).messages).toEqual(['a aGVsbG8= 0'])
  })

  it('fills placeholders of payload and topic', async () => {
    const args = ['-t', 'room/{{n}}', '--template', '--repeat', '3', '-m', '{{n 10}} {{random 7 7}}']

    expect((await dry(args)).messages).toEqual(['room/1 10 7 0', 'room/2 11 7 0', 'room/3 12 7 0'])
    const wrong = await dry(['-t', 'a', '--template', '-m', '{{nn}}'])
    expect(wrong.exitCode).toBe(2)
    expect(wrong.stderr).toContain('expected {{n}}, {{time}}, {{ms}}, {{s}}, {{random}}, {{hex}}, {{uuid}}, not {{nn}}')
  })

  it('leaves braces alone without --template, and every byte with it', async () => {
    expect((await dry(['-t', 'a', '-m', '{{n}}'])).messages).toEqual(['a {{n}} 0'])
    const { stdout } = await run(['pub', '--dry-run', '-V', '3.1.1', '-t', 'a', '--template', '-s'], {
      input: Buffer.from('\xff\0{{n}}\n', 'latin1'),
    })
    expect(stdout).toBe('3007000161ff00310a\n')
  })

  it('makes a payload of --size bytes', async () => {
    const { stdout } = await run(['pub', '--dry-run', '-V', '3.1.1', '-t', 'a', '--size', '100'])

    expect(stdout.trimEnd()).toHaveLength(2 * (2 + 3 + 100))
  })

  it.each([
    [['-l', '--json-lines'], /several payloads \(-l, --json-lines\)/],
    [['-m', 'x', '--timing', '1x'], /--timing belongs to --json-lines/],
    [['--json-lines', '--timing', 'fast'], /--timing "fast": expected 1x, 10x, 0.5x ... or max/],
    [['--topic-lines', ':'], /with --topic-lines each line has its topic/],
    [['-m', 'x', '--rate', '0'], /--rate "0": expected a number above 0/],
    [['--json-lines', '--encode', 'hex'], /do not go with --json-lines/],
  ])('%j is a usage error', async (args, message) => {
    const { exitCode, stderr } = await run(['pub', '-t', 'a', ...args])

    expect(exitCode).toBe(2)
    expect(stderr).toMatch(message)
  })
})

describe('pub --json-lines', () => {
  it('publishes what sub --json printed: topic, QoS, RETAIN, properties and bytes', async () => {
    const { url, client } = await startBroker()
    const session = ['sub', url, '-t', 'in/#', '-q', '2', '--retain-as-published', '--json', '-C', '3']
    const recorder = start([...session, '-d'])
    await recorder.says('<- SUBACK')
    const publisher = await client()
    const properties = {
      payloadFormatIndicator: 1,
      messageExpiryIntervalSeconds: 60,
      contentType: 'text/plain',
      responseTopic: 'r',
      correlationData: Buffer.from([0, 255]),
      userProperties: [
        ['a', 'ü'],
        ['a', ''],
      ] as const,
    }
    publisher.publish('in/1', 'grün\0"\n', {
      qos: 2,
      retain: true,
      properties: { ...properties, userProperties: [...properties.userProperties] },
    })
    publisher.publish('in/2', Buffer.from([0xc3, 0x28, 0]), { qos: 1 })
    publisher.publish('in/3', '', { qos: 0 })
    const recorded = (await recorder.finished()).stdout

    const again = start([...session, '-d', '--retain-handling', 'never'])
    await again.says('<- SUBACK')
    const { exitCode, stderr } = await run(['pub', url, '--json-lines'], { input: recorded })
    const played = (await again.finished()).stdout

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const comparable = (lines: string): unknown[] =>
      lines
        .trimEnd()
        .split('\n')
        .map((line) => ({ ...JSON.parse(line), receivedAt: 0, packetId: 0 }))
    expect(comparable(played)).toEqual(comparable(recorded))
    expect(comparable(played)[0]).toMatchObject({ qos: 2, retain: true, properties: { correlationDataBase64: 'AP8=' } })
  })

  it.each([
    ['{', /JSON: /],
    ['[]', /a JSON object/],
    ['{"topic":"a"}', /a "payload" \(text\) or a "payloadBase64"/],
    ['{"payload":"x"}', /a string at "topic"/],
    ['{"topic":"a/+","payload":"x"}', /a topic name: the wildcards/],
    ['{"topic":"a","payload":1}', /a string at "payload"/],
    ['{"topic":"a","payloadBase64":"!"}', /base64 at "payloadBase64"/],
    ['{"topic":"a","payload":"","payloadBase64":""}', /not both/],
    ['{"topic":"a","payload":"","qos":3}', /0, 1 or 2 at "qos"/],
    ['{"topic":"a","payload":"","retain":1}', /true or false at "retain"/],
    ['{"topic":"a","payload":"","colour":1}', /one of the keys .*not "colour"/],
    ['{"topic":"a","payload":"","receivedAt":"then"}', /a time as in ISO 8601/],
    ['{"topic":"a","payload":"","properties":[]}', /an object at "properties"/],
    [
      '{"topic":"a","payload":"","properties":{"receiveMaximum":1}}',
      /a property of PUBLISH, not "properties.receiveMaximum"/,
    ],
    ['{"topic":"a","payload":"","properties":{"payloadFormatIndicator":2}}', /a number from 0 to 1/],
    ['{"topic":"a","payload":"","properties":{"contentType":1}}', /a string at "properties.contentType"/],
    ['{"topic":"a","payload":"","properties":{"responseTopic":"#"}}', /Response Topic|RESPONSE/i],
    [
      '{"topic":"a","payload":"","properties":{"userProperties":[["a"]]}}',
      /\[name, value\] at "properties.userProperties\[0\]"/,
    ],
  ])('refuses %s', (line, message) => {
    const read = (): unknown =>
      readJsonMessage(Buffer.from(line), { topicName: null, qos: 0, retain: false, properties: {} })
    expect(read).toThrow(ValueError)
    expect(read).toThrow(message)
  })

  it('takes from the options what a line leaves out', () => {
    const defaults = { topicName: 'd', qos: 1, retain: true, properties: { contentType: 't' } } as const
    const { message, receivedAtMs } = readJsonMessage(Buffer.from('{"payload":"x"}'), defaults)

    expect([message.topicName, message.qos, message.retain, receivedAtMs]).toEqual(['d', 1, true, null])
    expect(message.properties).toEqual({ contentType: 't' })
  })

  it('says which line is wrong, and what came before is published', async () => {
    const { messages, exitCode, stderr } = await dry(['--json-lines'], { input: '{"topic":"a","payload":"1"}\n{}\n' })

    expect({ messages, exitCode }).toEqual({ messages: ['a 1 0'], exitCode: 2 })
    expect(stderr).toMatch(/^mqtt-kit pub: message 2: expected a string at "topic"/)
  })
})

describe('a template', () => {
  const NOW = new Date('2026-11-04T09:08:07.065Z')

  it('tells time, counts and rolls dice', () => {
    expect(filled('{{time}} {{ms}} {{s}} {{ n }} {{n -5}}', 3, NOW)).toBe(
      '2026-11-04T09:08:07.065Z 1793783287065 1793783287 3 -3',
    )
    expect(filled('{{hex 2}} {{uuid}} {{random}}', 1, NOW)).toMatch(/^[0-9a-f]{4} [0-9a-f-]{36} \d{1,3}$/)
    for (let i = 0; i < 100; i++) expect(['-1', '0', '1']).toContain(filled('{{random -1 1}}', 1, NOW))
  })

  it.each(['{{random 2 1}}', '{{hex -1}}', '{{}}', '{{n x}}'])('refuses %s', (template) => {
    expect(() => filled(template, 1, NOW)).toThrow(ValueError)
  })
})

/** A source whose messages a test gives by hand. */
class GivenMessages implements MessageSource {
  sink: OutgoingSink | null = null
  isPaused = false
  isStopped = false
  start(sink: OutgoingSink): void {
    this.sink = sink
  }
  pause(): void {
    this.isPaused = true
  }
  resume(): void {
    this.isPaused = false
  }
  stop(): void {
    this.isStopped = true
  }
}

describe('paced messages', () => {
  function paced(dueMs: readonly number[]) {
    const source = new GivenMessages()
    const messages = new PacedMessages(source, (_, index) => dueMs[index]!)
    const heard: string[] = []
    const ended = new Promise<void>((resolve) =>
      messages.start({
        message: ({ topicName }) => heard.push(topicName),
        ended: () => {
          heard.push('end')
          resolve()
        },
        failed: (failure) => heard.push(failure.message),
      }),
    )
    return { source, messages, heard, ended }
  }

  it('come in order and not before their time, and the source waits meanwhile', async () => {
    const { source, heard, ended } = paced([0, 30, 30, 60])
    const startedAtMs = performance.now()
    for (const name of ['a', 'b', 'c', 'd']) source.sink!.message(Message.create(name, ''))
    source.sink!.ended()

    expect(heard).toEqual(['a'])
    expect(source.isPaused).toBe(true)
    await ended
    expect(heard).toEqual(['a', 'b', 'c', 'd', 'end'])
    expect(performance.now() - startedAtMs).toBeGreaterThan(59)
  })

  it('wait while they are paused, and end when they are stopped', () => {
    const { source, messages, heard } = paced([0, 0, 0])
    messages.pause()
    source.sink!.message(Message.create('a', ''))
    source.sink!.message(Message.create('b', ''))
    expect(heard).toEqual([])
    messages.resume()
    expect(heard).toEqual(['a', 'b'])
    expect(source.isPaused).toBe(false)
    messages.stop()
    source.sink!.message(Message.create('c', ''))
    expect(heard).toEqual(['a', 'b'])
    expect(source.isStopped).toBe(true)
  })
})

describe('rhythm', () => {
  it('of a recording is kept with --timing, faster when asked for', async () => {
    const line = (atMs: number): string =>
      `${JSON.stringify({ topic: 'a', payload: String(atMs), receivedAt: new Date(atMs).toISOString() })}\n`
    const startedAtMs = performance.now()
    const { messages } = await dry(['--json-lines', '--timing', '10x'], { input: line(1000) + line(900) + line(5000) })

    expect(messages.map((message) => message.split(' ')[1])).toEqual(['1000', '900', '5000'])
    expect(performance.now() - startedAtMs).toBeGreaterThan(400)
  })

  it('is --rate for repeated messages', async () => {
    const startedAtMs = performance.now()
    const { messages } = await dry(['-t', 'a', '-m', 'x', '--repeat', '5', '--rate', '20'])

    expect(messages).toHaveLength(5)
    expect(performance.now() - startedAtMs).toBeGreaterThan(200)
  })
})

it('a refusal among messages on many topics is told without a topic', async () => {
  const broker = await ScriptedBroker.start()
  const program = start(['pub', formatAddress(broker.address), '--topic-lines', ' ', '-q', '1'], {
    input: 'a 1\nb 2\n',
  })
  const peer = await broker.accept()
  for (const reasonCode of [0, 0x87]) {
    const { packetId } = await peer.expect(PacketType.PUBLISH)
    peer.sendBytes(Buffer.from([0x40, 3, packetId >> 8, packetId & 255, reasonCode]))
  }

  const { exitCode, stderr } = await program.finished()
  expect(exitCode).toBe(9)
  expect(stderr).toMatch(/1 of 2 messages were not taken: mqtt:\S+ refused PUBLISH: 0x87 Not authorized\n$/)
})

it('sub --json | pub --json-lines copies everything from one broker to another', async () => {
  const from = await startBroker()
  const to = await startBroker()
  const copy = shell(
    `mqtt-kit sub ${from.url} -t '#' -q 2 --retain-as-published -d -C 500 --json | mqtt-kit pub ${to.url} --json-lines`,
  )
  const target = start(['sub', to.url, '-t', '#', '-q', '2', '-C', '500', '-F', '%t %q %x', '-d'])
  await Promise.all([copy.says('<- SUBACK'), target.says('<- SUBACK')])
  const publisher = await from.client()
  const expected: string[] = []
  for (let i = 0; i < 500; i++) {
    const payload = Buffer.from([i & 255, i >> 8, 0, 0xff])
    publisher.publish(`t/${i}`, payload, { qos: 1 })
    expected.push(`t/${i} 1 ${payload.toString('hex')}`)
  }

  expect((await target.finished()).stdout).toBe(`${expected.join('\n')}\n`)
  expect((await copy.finished()).exitCode).toBe(0)
})
