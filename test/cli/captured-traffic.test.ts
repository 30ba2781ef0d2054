import { expect, it } from 'vitest'
import { Decoder } from '../../src/codec/decoder.ts'
import { Message } from '../../src/codec/message.ts'
import { Role } from '../../src/codec/packet-type.ts'
import type { Publish } from '../../src/codec/packets/publish.ts'
import { RetainHandling } from '../../src/codec/packets/subscribe.ts'
import type { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { QoS } from '../../src/codec/qos.ts'
import { parseAddress } from '../../src/transport/address.ts'
import { type Capture, describeCaptures } from '../support/captures.ts'
import { shell } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'
import { TestClient } from '../support/test-client.ts'

/** Everything a publisher says with a message. */
interface Said {
  readonly topic: string
  readonly payload: string
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: object
}

function said({ topicName, payload, qos, retain, properties }: Message): Said {
  return { topic: topicName, payload: payload.toString('base64'), qos, retain, properties }
}

/** Every PUBLISH of a capture, of both sides of all connections, with the topics of aliases filled in. */
function publishesIn({ sides }: Capture): Message[] {
  const versions = new Map<number, ProtocolVersion>()
  return sides.flatMap(({ stream, sender, bytes }) => {
    const topics = new Map<number, string>()
    const found: Message[] = []
    const decoder = new Decoder(
      sender === 'c2s' ? Role.CLIENT : Role.SERVER,
      Number.MAX_SAFE_INTEGER,
      versions.get(stream) ?? null,
    )
    const receivePublish = ({ message, topicAlias }: Publish): void => {
      if (topicAlias !== 0 && message.topicName !== '') topics.set(topicAlias, message.topicName)
      const topicName = message.topicName === '' ? topics.get(topicAlias)! : message.topicName
      const { payload, qos, retain, properties } = message
      found.push(Message.create(topicName, Buffer.from(payload), { qos, retain, properties }))
    }
    decoder.push(bytes, { receivePublish, receiveAcknowledgement: () => {}, receivePacket: () => {} })
    if (decoder.version !== null) versions.set(stream, decoder.version)
    return found
  })
}

/** QoS 0 may overtake what waits for acknowledgements: the order is that of each QoS. */
function byQos(messages: readonly Said[]): Said[][] {
  return [QoS.AT_MOST_ONCE, QoS.AT_LEAST_ONCE, QoS.EXACTLY_ONCE].map((qos) => messages.filter((one) => one.qos === qos))
}

describeCaptures('all captured messages', (captures) => {
  it('are the same behind sub --json | pub --json-lines: topic, bytes, QoS, RETAIN and properties', async () => {
    const messages = captures.flatMap(publishesIn)
    expect(messages.length).toBeGreaterThan(100)
    const [first, second] = [await startBroker(), await startBroker()]
    const received: Said[] = []
    let wake = (): void => {}
    const all = new Promise<void>((resolve) => (wake = resolve))
    const listener = new TestClient(
      parseAddress(second.url).address,
      { clientId: 'listener' },
      {
        message: ({ message }) => {
          received.push(said(message))
          if (received.length === messages.length) wake()
        },
      },
    )
    await listener.client.connect()
    const request = {
      qos: QoS.EXACTLY_ONCE,
      noLocal: false,
      retainAsPublished: true,
      retainHandling: RetainHandling.ALWAYS,
    }
    await listener.client.subscribe([{ ...request, topicFilter: '#' }])
    const line =
      `mqtt-kit sub ${first.url} -t '#' -q 2 --retain-as-published --json -C ${messages.length} -d | ` +
      `mqtt-kit pub ${second.url} --json-lines`
    const pipe = shell(line)
    await pipe.says('<- SUBACK')
    const publisher = new TestClient(parseAddress(first.url).address, { clientId: 'publisher' })
    await publisher.client.connect()

    for (const { topicName, payload, qos, retain, properties } of messages) {
      await publisher.client.publish(topicName, payload, { qos, retain, properties })
    }

    expect((await pipe.finished()).exitCode).toBe(0)
    await all
    expect(byQos(received)).toEqual(byQos(messages.map(said)))
  })
})
