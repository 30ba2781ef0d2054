import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Message } from '../../src/codec/message.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../src/codec/packets/acknowledgement.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { Connect, type ConnectFields } from '../../src/codec/packets/connect.ts'
import { Disconnect } from '../../src/codec/packets/disconnect.ts'
import { PINGREQ, PINGRESP } from '../../src/codec/packets/ping.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import { Suback } from '../../src/codec/packets/suback.ts'
import { Subscribe } from '../../src/codec/packets/subscribe.ts'
import type { Properties } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { QoS } from '../../src/codec/qos.ts'
import { SessionAnalysis } from '../../src/inspect/analysis/session-analysis.ts'
import { CaptureReader } from '../../src/inspect/network/capture-file.ts'
import { CaptureInspector } from '../../src/inspect/network/capture-inspector.ts'
import { rawFrame } from '../support/frames.ts'
import { specFolder } from '../support/spec-folder.ts'
import { birth, data } from '../support/wire.ts'

const FIN = 0x11
const SYN = 0x02

/** A capture in the making: connections by the client's port, packets of both sides, closings. */
class Scene {
  readonly analysis = new SessionAnalysis()
  readonly #inspector = new CaptureInspector((packet, parties) => this.analysis.add(packet, parties))
  readonly #next = new Map<string, number>()
  readonly #version: ProtocolVersion
  #frame = 0
  seconds = 0

  constructor(version: ProtocolVersion = ProtocolVersion.V3_1_1) {
    this.#version = version
  }

  client(port: number, ...packets: AnyPacket[]): this {
    if (packets[0]?.packetType === PacketType.CONNECT) this.#send(port, false, Buffer.alloc(0), SYN)
    for (const packet of packets) this.#send(port, false, encodePacket(packet, this.#version))
    return this
  }

  server(port: number, ...packets: AnyPacket[]): this {
    for (const packet of packets) this.#send(port, true, encodePacket(packet, this.#version))
    return this
  }

  close(port: number): this {
    this.#send(port, false, Buffer.alloc(0), FIN)
    return this
  }

  wait(seconds: number): this {
    this.seconds += seconds
    return this
  }

  /** Names of what was found, in the order of the frames. */
  names(): string[] {
    this.#inspector.end()
    this.analysis.end()
    return this.analysis.findings.map(({ name }) => name)
  }

  #send(port: number, isAnswer: boolean, payload: Buffer, flags = 0x10): void {
    const key = `${port} ${isAnswer}`
    const sequence = this.#next.get(key) ?? 1000
    this.#next.set(key, sequence + payload.length + (flags === SYN ? 1 : 0))
    this.#inspector.add(
      rawFrame(++this.#frame, sequence, payload, { port, isAnswer, flags, timeSeconds: this.seconds }),
    )
  }
}

const connect = (fields: Partial<ConnectFields> = {}) =>
  new Connect({ version: ProtocolVersion.V3_1_1, clientId: 'c', cleanStart: true, keepAliveSeconds: 0, ...fields })
const accepted = (sessionPresent = false, properties: Properties = {}) => new Connack(sessionPresent, 0, properties)
const publish = (qos: QoS, packetId: number, { dup = false, topic = 't' } = {}) =>
  new Publish(Message.create(topic, 'x', { qos }), qos, dup, packetId)
const puback = (packetId: number) => new Acknowledgement(PacketType.PUBACK, packetId)
const pubrec = (packetId: number) => new Acknowledgement(PacketType.PUBREC, packetId)
const pubrel = (packetId: number) => new Acknowledgement(PacketType.PUBREL, packetId)
const pubcomp = (packetId: number) => new Acknowledgement(PacketType.PUBCOMP, packetId)
const subscribe = (packetId: number) =>
  new Subscribe(packetId, [{ topicFilter: 'a', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }])

const scene = (version?: ProtocolVersion) => new Scene(version)
const opened = (fields: Partial<ConnectFields> = {}, properties: Properties = {}) => {
  const version = fields.version ?? ProtocolVersion.V3_1_1
  return scene(version).client(1, connect(fields)).server(1, accepted(false, properties))
}
const V5 = { version: ProtocolVersion.V5 }

describe('the analysis of sessions', () => {
  it('finds nothing where all is well', () => {
    const names = opened()
      .client(1, publish(1, 1), publish(2, 2))
      .server(1, puback(1), pubrec(2))
      .client(1, pubrel(2))
      .server(1, pubcomp(2))
      .client(1, subscribe(1), PINGREQ)
      .server(1, new Suback(1, [1]), PINGRESP)
      .client(1, new Disconnect())
      .close(1)
      .names()

    expect(names).toEqual([])
  })

  it.each<readonly [name: string, scene: () => Scene]>([
    ['UNACKNOWLEDGED_PUBLISH', () => opened().client(1, publish(1, 1), new Disconnect()).close(1)],
    ['UNACKNOWLEDGED_PUBLISH', () => opened().client(1, publish(1, 1)).wait(60).client(1, PINGREQ).server(1, PINGRESP)],
    [
      'UNFINISHED_QOS_2',
      () => opened().client(1, publish(2, 1)).server(1, pubrec(1)).client(1, new Disconnect()).close(1),
    ],
    ['UNANSWERED_REQUEST', () => opened().client(1, subscribe(1), new Disconnect()).close(1)],
    ['UNANSWERED_PING', () => opened().client(1, PINGREQ, new Disconnect()).close(1)],
    ['CONNECT_REFUSED', () => scene().client(1, connect()).server(1, new Connack(false, 5)).close(1)],
    [
      'SUBSCRIPTION_REFUSED',
      () =>
        opened()
          .client(1, subscribe(1))
          .server(1, new Suback(1, [0x80])),
    ],
    [
      'PUBLISH_REFUSED',
      () =>
        opened(V5)
          .client(1, publish(1, 1))
          .server(1, new Acknowledgement(PacketType.PUBACK, 1, 0x87)),
    ],
    [
      'DUP_ON_FIRST_DELIVERY',
      () =>
        opened()
          .client(1, publish(1, 1, { dup: true }))
          .server(1, puback(1)),
    ],
    ['PACKET_ID_IN_USE', () => opened().client(1, publish(1, 1), publish(1, 1)).server(1, puback(1))],
    [
      'PACKET_ID_IN_USE',
      () =>
        opened()
          .client(1, publish(1, 1), subscribe(1))
          .server(1, puback(1), new Suback(1, [1])),
    ],
    [
      'RESENT_WHILE_CONNECTED',
      () =>
        opened(V5)
          .client(1, publish(1, 1), publish(1, 1, { dup: true }))
          .server(1, puback(1)),
    ],
    [
      'ACKNOWLEDGED_OUT_OF_ORDER',
      () => opened().server(1, publish(1, 1), publish(1, 2)).client(1, puback(2), puback(1)),
    ],
    ['ACKNOWLEDGEMENT_OF_NOTHING', () => opened().client(1, puback(9))],
    ['ACKNOWLEDGEMENT_OF_WRONG_KIND', () => opened().client(1, publish(2, 1)).server(1, puback(1))],
    ['ACKNOWLEDGEMENT_WITHOUT_REQUEST', () => opened().server(1, new Suback(7, [0]))],
    [
      'SUBACK_CODE_COUNT',
      () =>
        opened()
          .client(1, subscribe(1))
          .server(1, new Suback(1, [0, 0])),
    ],
    [
      'SILENT_BEYOND_KEEP_ALIVE',
      () => opened({ keepAliveSeconds: 10 }).wait(16).client(1, PINGREQ).server(1, PINGRESP),
    ],
    ['SILENT_BEYOND_KEEP_ALIVE', () => opened({ keepAliveSeconds: 10 }).wait(16).close(1)],
    [
      'SECOND_CONNECT',
      () => opened().client(1, PINGREQ).server(1, PINGRESP).client(1, PINGREQ, connect()).server(1, PINGRESP),
    ],
    ['FIRST_PACKET_NOT_CONNACK', () => scene().client(1, connect()).server(1, publish(0, 0), accepted())],
    ['SECOND_CONNACK', () => opened().server(1, accepted())],
    ['PACKET_AFTER_DISCONNECT', () => opened().client(1, new Disconnect(), publish(0, 0))],
    [
      'RECEIVE_MAXIMUM_EXCEEDED',
      () => opened(V5, { receiveMaximum: 1 }).client(1, publish(1, 1), publish(1, 2)).server(1, puback(1), puback(2)),
    ],
    ['QOS_NOT_SUPPORTED', () => opened(V5, { maximumQos: 0 }).client(1, publish(1, 1)).server(1, puback(1))],
    ['PACKET_TOO_LARGE', () => opened(V5, { maximumPacketBytes: 5 }).client(1, publish(0, 0))],
    ['SESSION_PRESENT_AFTER_CLEAN_START', () => scene().client(1, connect()).server(1, accepted(true))],
    [
      'WILL_DUE',
      () =>
        opened({ will: { topicName: 'w', payload: Buffer.from('x'), qos: 0, retain: false, properties: {} } }).close(1),
    ],
  ])('finds %s', (name, make) => {
    const names = make().names()

    expect(names.filter((found) => found === name)).not.toEqual([])
    const also = [
      'ACKNOWLEDGEMENT_OF_NOTHING',
      'PACKET_ID_IN_USE',
      'UNACKNOWLEDGED_PUBLISH',
      'UNFINISHED_QOS_2',
      'SECOND_CONNACK',
    ]
    expect(names.filter((found) => found !== name && !also.includes(found))).toEqual([])
  })

  const kept = { cleanStart: false }

  it.each<readonly [title: string, names: readonly string[], second: (scene: Scene) => Scene]>([
    ['sent again with DUP', [], (s) => s.client(2, publish(1, 1, { dup: true })).server(2, puback(1))],
    ['sent again without DUP', ['RESENT_WITHOUT_DUP'], (s) => s.client(2, publish(1, 1)).server(2, puback(1))],
    ['not sent again', ['NOT_RESENT'], (s) => s.client(2, new Disconnect())],
  ])('follows a session over two connections: %s', (_, names, second) => {
    const first = opened(kept).client(1, publish(1, 1)).close(1).client(2, connect(kept)).server(2, accepted(true))

    expect(second(first).close(2).names()).toEqual(names)
  })

  it('notices that a session is lost, or comes back', () => {
    const again = (fields: Partial<ConnectFields>, sessionPresent: boolean) =>
      opened(fields)
        .client(1, new Disconnect())
        .close(1)
        .client(2, connect(kept))
        .server(2, accepted(sessionPresent))
        .names()

    expect(again(kept, true)).toEqual([])
    expect(again(kept, false)).toEqual(['SESSION_LOST'])
    expect(again({}, true)).toEqual(['SESSION_KEPT'])
    expect(again({}, false)).toEqual([])
  })

  it('tells a takeover, the will that follows, and a server that goes on', () => {
    const will = { topicName: 'w', payload: Buffer.from('gone'), qos: 0 as const, retain: false, properties: {} }
    const taken = opened({ will })
      .client(3, connect({ clientId: 'watcher' }))
      .server(3, accepted())
      .client(2, connect())
    taken
      .server(3, new Publish(Message.create('w', 'gone'), 0, false, 0))
      .server(2, accepted())
      .server(1, publish(0, 0))

    expect(taken.names()).toEqual(['WILL_DUE', 'TAKEOVER', 'OLD_CONNECTION_GOES_ON'])
    expect(taken.analysis.findings[0]!.message).toContain('published in frame')
  })

  it('counts latencies and topics', () => {
    const { analysis } = opened()
      .client(1, publish(1, 1, { topic: 'a/b' }))
      .wait(0.25)
      .server(1, puback(1))
    const latency = analysis.latencies.kinds.get('PUBLISH to PUBACK')!

    expect([latency.count, latency.maximumMs, latency.percentileMs(0.5)]).toEqual([1, 250, 250])
    expect(analysis.topics.top(1)).toEqual([{ topicName: 'a/b', messages: 1, bytes: 10 }])
  })
})

describe('the analysis of Sparkplug B', () => {
  const said = (message: string, payload: Buffer) =>
    new Publish(Message.create(`spBv1.0/g/${message}`, payload), 0, false, 0)
  const born = () => opened().client(1, said('NBIRTH/n', birth(250)))

  it('follows sequence numbers through DATA of nodes and devices, over 255 and back to 0', () => {
    const sequence = [251, 252, 253, 254, 255, 0, 1].map((seq) => said(seq % 2 ? 'NDATA/n' : 'DDATA/n/d', data(seq)))

    expect(
      born()
        .client(1, ...sequence, said('NDEATH/n', data(7)), new Disconnect())
        .close(1)
        .names(),
    ).toEqual([])
  })

  it.each<readonly [name: string, packets: readonly Publish[]]>([
    ['SPARKPLUG_SEQUENCE_GAP', [said('NDATA/n', data(252))]],
    ['SPARKPLUG_SEQUENCE_GAP', [said('NDATA/n', data(251)), said('DDATA/n/d', data(251))]],
    ['SPARKPLUG_ALIAS_UNKNOWN', [said('NDATA/n', data(251, 9))]],
    ['SPARKPLUG_PAYLOAD_INVALID', [said('NDATA/n', Buffer.from('hi'))]],
  ])('finds %s', (name, packets) => {
    expect(
      born()
        .client(1, ...packets, new Disconnect())
        .close(1)
        .names(),
    ).toEqual([name])
  })

  it('begins anew with each NBIRTH, and holds nothing against a node that was born before the capture', () => {
    expect(
      born()
        .client(1, said('NBIRTH/n', birth(7)), said('NDATA/n', data(8)), new Disconnect())
        .close(1)
        .names(),
    ).toEqual([])
    expect(
      opened()
        .client(1, said('NDATA/other', data(8, 9)), new Disconnect())
        .close(1)
        .names(),
    ).toEqual([])
  })

  it('asks nothing of what a subscriber gets, and of commands', () => {
    const scenes = opened()
      .server(1, said('NBIRTH/n', birth(0)), said('NDATA/n', data(9)))
      .client(1, said('NCMD/n', data(3)))

    expect(scenes.client(1, new Disconnect()).close(1).names()).toEqual([])
  })
})

describe('the analysis raises no false alarm on real captures', () => {
  const folder = join(specFolder, '../captures')
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => /\.pcap(?:ng)?$/.test(file)) : []
  /** What their README tells: a takeover, a client that falls silent, wills that fire. */
  const deviations: Readonly<Record<string, readonly string[]>> = {
    's05-will-takeover-ping.pcap': ['TAKEOVER', 'WILL_DUE', 'SILENT_BEYOND_KEEP_ALIVE', 'WILL_DUE', 'WILL_DUE'],
  }

  it.skipIf(files.length === 0)('is given the captures', () => expect(files.length).toBeGreaterThan(0))

  it.each(files)('%s', (file) => {
    const analysis = new SessionAnalysis()
    const inspector = new CaptureInspector((packet, parties) => analysis.add(packet, parties))
    new CaptureReader().push(readFileSync(join(folder, file)), (frame) => inspector.add(frame))
    inspector.end()
    analysis.end()

    expect(analysis.findings.map(({ name }) => name).sort()).toEqual([...(deviations[file] ?? [])].sort())
    for (const { message } of analysis.findings) expect(message).not.toContain('not seen')
  })
})
