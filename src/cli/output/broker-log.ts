import type { Broker } from '../../broker/broker.ts'
import type { BrokerEvent } from '../../broker/configuration.ts'
import { PacketType, packetTypeNames } from '../../codec/packet-type.ts'
import { Publish } from '../../codec/packets/publish.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { describePacket, timeOfDay } from './packet-line.ts'
import { oneLine } from './talk.ts'

/** Form of the log. */
export type LogFormat = 'text' | 'json'

/** One event of the broker as a line: `12:34:56.789 connect 127.0.0.1:51234 "sensor": MQTT 5.0, keep alive 60 s, new session`. */
export function eventLine(event: BrokerEvent, format: LogFormat, now: Date): string {
  if (format === 'json') return JSON.stringify({ time: now.toISOString(), ...event })
  const who = [event.remoteAddress ?? '', event.clientId ? JSON.stringify(event.clientId) : '']
    .filter(Boolean)
    .join(' ')
  return oneLine(`${timeOfDay(now)} ${event.event}${who === '' ? '' : ` ${who}`}: ${event.detail}`)
}

type Trace = NonNullable<Broker['trace']>
type TracedPacket = Parameters<Trace>[2]

/** Makes the packet trace of a broker: a line per packet with the address and the client it belongs to. */
export function tracer(write: (line: string) => void, format: LogFormat): Trace {
  return (connection, sent, traced) => {
    const version = connection.version ?? ProtocolVersion.V5
    const packet = asPacket(traced)
    const clientId = connection.session?.clientId ?? (packet.packetType === PacketType.CONNECT ? packet.clientId : '')
    const { remoteAddress } = connection.transport
    const now = new Date()
    // as inspect draws it: towards the server, or from it
    const arrow = sent ? '<-' : '->'
    if (format === 'json') {
      const direction = sent ? 'sent' : 'received'
      const type = packetTypeNames[packet.packetType]!.toLowerCase()
      const text = describePacket(packet, version)
      write(
        JSON.stringify({ time: now.toISOString(), event: 'packet', remoteAddress, clientId, direction, type, text }),
      )
    } else {
      write(
        `${timeOfDay(now)} ${remoteAddress} ${JSON.stringify(clientId)} ${arrow} ${describePacket(packet, version)}`,
      )
    }
  }
}

// What goes out is a message and a header until the last moment.
function asPacket(traced: TracedPacket) {
  if (traced.packetType !== PacketType.PUBLISH || !('header' in traced)) return traced
  const { message, header } = traced
  const publish = new Publish(message.with(header.qos, header.retain), header.qos, header.dup, header.packetId)
  publish.topicAlias = header.topicAlias
  publish.subscriptionIdentifiers = header.subscriptionIdentifiers === null ? null : [...header.subscriptionIdentifiers]
  return publish
}
