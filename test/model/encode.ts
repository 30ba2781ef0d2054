import {
  type ClientPacket,
  type ConnectPacket,
  type FilterFields,
  type Kind,
  PROPERTIES,
  PROPERTY_NAMES,
  type Properties,
  TYPES,
  type Version,
} from './wire.ts'

/** The bytes of one packet, in the version of the connection. */
export function encode(packet: ClientPacket, version: Version): Buffer {
  switch (packet.type) {
    case 'CONNECT':
      return frame(0x10, connectBody(packet))
    case 'PUBLISH': {
      const flags = (packet.dup ? 8 : 0) | (packet.qos << 1) | (packet.retain ? 1 : 0)
      const id = packet.qos === 0 ? [] : [uint16(packet.id)]
      return frame(0x30 | flags, [
        text(packet.topic),
        ...id,
        ...section(packet.properties, version),
        Buffer.from(packet.payload, 'latin1'),
      ])
    }
    case 'SUBSCRIBE': {
      const properties = packet.identifier === 0 ? {} : { subscriptionIdentifiers: [packet.identifier] }
      return frame(0x82, [
        uint16(packet.id),
        ...section(properties, version),
        ...packet.filters.flatMap((filter) => filterBytes(filter, version)),
      ])
    }
    case 'UNSUBSCRIBE':
      return frame(0xa2, [uint16(packet.id), ...section({}, version), ...packet.filters.map(text)])
    case 'PINGREQ':
      return frame(0xc0, [])
    case 'DISCONNECT': {
      const short = version !== 5 || (packet.code === 0 && Object.keys(packet.properties).length === 0)
      return frame(0xe0, short ? [] : [Buffer.from([packet.code]), ...section(packet.properties, version)])
    }
    default: {
      const short = version !== 5 || packet.code === 0
      const first = (TYPES.indexOf(packet.type) << 4) | (packet.type === 'PUBREL' ? 2 : 0)
      return frame(first, short ? [uint16(packet.id)] : [uint16(packet.id), Buffer.from([packet.code])])
    }
  }
}

function connectBody(packet: ConnectPacket): Buffer[] {
  const { will, userName, version } = packet
  const flags =
    (packet.cleanStart ? 2 : 0) |
    (will === null ? 0 : 4 | (will.qos << 3) | (will.retain ? 0x20 : 0)) |
    (userName === null ? 0 : 0x80)
  const body = [
    text(version === 3 ? 'MQIsdp' : 'MQTT'),
    Buffer.from([packet.bridge ? version | 0x80 : version, flags]),
    uint16(packet.keepAlive),
    ...section(packet.properties, version),
    text(packet.clientId),
  ]
  if (will !== null) body.push(...section(will.properties, version), text(will.topic), binary(will.payload))
  if (userName !== null) body.push(text(userName))
  return body
}

function filterBytes(filter: FilterFields, version: Version): Buffer[] {
  const options = (filter.noLocal ? 4 : 0) | (filter.retainAsPublished ? 8 : 0) | (filter.retainHandling << 4)
  return [text(filter.filter), Buffer.from([version === 5 ? filter.qos | options : filter.qos])]
}

function frame(first: number, body: readonly Buffer[]): Buffer {
  const rest = Buffer.concat(body)
  return Buffer.concat([Buffer.from([first]), varint(rest.length), rest])
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.from(bytes)
}

function text(value: string): Buffer {
  return withLength(Buffer.from(value, 'utf8'))
}

function binary(value: string): Buffer {
  return withLength(Buffer.from(value, 'latin1'))
}

function withLength(bytes: Buffer): Buffer {
  return Buffer.concat([uint16(bytes.length), bytes])
}

function section(properties: Properties, version: Version): Buffer[] {
  if (version !== 5) return []
  const parts: Buffer[] = []
  for (const name of PROPERTY_NAMES) {
    const value = properties[name]
    if (value === undefined) continue
    const [id, kind] = PROPERTIES[name]
    const items: unknown[] = kind === 'pair' || name === 'subscriptionIdentifiers' ? (value as unknown[]) : [value]
    for (const item of items) parts.push(Buffer.from([id]), propertyBytes(kind, item))
  }
  const bytes = Buffer.concat(parts)
  return [varint(bytes.length), bytes]
}

function propertyBytes(kind: Kind, value: unknown): Buffer {
  switch (kind) {
    case 'byte':
      return Buffer.from([value as number])
    case 'uint16':
      return uint16(value as number)
    case 'uint32':
      return uint32(value as number)
    case 'varint':
      return varint(value as number)
    case 'string':
      return text(value as string)
    case 'binary':
      return binary(value as string)
    case 'pair': {
      const [name, worth] = value as [string, string]
      return Buffer.concat([text(name), text(worth)])
    }
  }
}
