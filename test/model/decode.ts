import {
  type Kind,
  PROPERTIES,
  PROPERTY_NAMES,
  type Properties,
  type QoS,
  type ServerPacket,
  TYPES,
  type Version,
} from './wire.ts'

const NAME_BY_ID = new Map(PROPERTY_NAMES.map((name) => [PROPERTIES[name][0], name]))

/** Cuts a stream into packets of a server. */
export class ServerStream {
  #rest: Buffer = Buffer.alloc(0)

  /** @returns the packets that are complete now. @throws Error for bytes that no server may send */
  push(chunk: Buffer, version: Version, maximumPacketBytes: number): ServerPacket[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const packets: ServerPacket[] = []
    for (;;) {
      const size = this.#packetBytes()
      if (size === 0) return packets
      if (size > maximumPacketBytes)
        throw new Error(`a packet of ${size} bytes, the Maximum Packet Size is ${maximumPacketBytes}`)
      packets.push(decode(this.#rest.subarray(0, size), version))
      this.#rest = this.#rest.subarray(size)
    }
  }

  /** Bytes of a packet that is not complete. */
  get pendingBytes(): number {
    return this.#rest.length
  }

  // 0 as long as the packet is not complete
  #packetBytes(): number {
    let length = 0
    for (let i = 1; i <= 4; i++) {
      const digit = this.#rest[i]
      if (digit === undefined) return 0
      length += (digit & 0x7f) * 128 ** (i - 1)
      if (digit >= 0x80) continue
      const total = 1 + i + length
      return this.#rest.length >= total ? total : 0
    }
    throw new Error('Remaining Length has more than four bytes')
  }
}

class Cursor {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes
    this.at = at
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  take(count: number): Buffer {
    if (count > this.left) throw new Error('a field goes past its packet')
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  number(count: number): number {
    return this.take(count).readUIntBE(0, count)
  }

  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const digit = this.number(1)
      value += (digit & 0x7f) * scale
      if (digit < 0x80) return value
    }
  }

  text(): string {
    return this.take(this.number(2)).toString('utf8')
  }

  binary(): string {
    return this.take(this.number(2)).toString('latin1')
  }
}

function decode(bytes: Buffer, version: Version): ServerPacket {
  const first = bytes[0]!
  const type = TYPES[first >> 4]!
  let header = 1
  while (bytes[header]! >= 0x80) header++
  const cursor = new Cursor(bytes, header + 1)
  if (type !== 'PUBLISH' && (first & 0xf) !== (type === 'PUBREL' ? 2 : 0))
    throw new Error(`${type} has flags ${first & 0xf}`)
  const packet = decodeBody(type, first & 0xf, cursor, version)
  if (cursor.left > 0) throw new Error(`${type} has ${cursor.left} bytes too many`)
  return packet
}

function decodeBody(type: string, flags: number, cursor: Cursor, version: Version): ServerPacket {
  switch (type) {
    case 'CONNACK': {
      const acknowledge = cursor.number(1)
      if (acknowledge > 1) throw new Error('reserved flags of CONNACK are set')
      return {
        type,
        sessionPresent: acknowledge === 1,
        code: cursor.number(1),
        properties: decodeSection(type, cursor, version),
      }
    }
    case 'PUBLISH': {
      const qos = ((flags >> 1) & 3) as QoS
      const topic = cursor.text()
      const id = qos === 0 ? 0 : cursor.number(2)
      const properties = decodeSection(type, cursor, version)
      const payload = cursor.take(cursor.left).toString('latin1')
      return { type, topic, payload, qos, dup: (flags & 8) !== 0, retain: (flags & 1) !== 0, id, properties }
    }
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP': {
      const id = cursor.number(2)
      const code = version === 5 && cursor.left > 0 ? cursor.number(1) : 0
      if (cursor.left > 0) decodeSection(type, cursor, version)
      return { type, id, code }
    }
    case 'SUBACK': {
      const id = cursor.number(2)
      decodeSection(type, cursor, version)
      return { type, id, codes: [...cursor.take(cursor.left)] }
    }
    case 'UNSUBACK': {
      const id = cursor.number(2)
      decodeSection(type, cursor, version)
      return { type, id, codes: version === 5 ? [...cursor.take(cursor.left)] : [] }
    }
    case 'PINGRESP':
      return { type }
    case 'DISCONNECT': {
      if (version !== 5) throw new Error('DISCONNECT goes to 5.0 clients only')
      const code = cursor.left > 0 ? cursor.number(1) : 0
      return { type, code, properties: cursor.left > 0 ? decodeSection(type, cursor, version) : {} }
    }
    default:
      throw new Error(`a server does not send ${type || 'packet type 0'}`)
  }
}

function decodeSection(type: string, cursor: Cursor, version: Version): Properties {
  if (version !== 5) return {}
  const length = cursor.varint()
  const end = cursor.at + length
  const properties: Record<string, unknown> = {}
  while (cursor.at < end) {
    const id = cursor.varint()
    const name = NAME_BY_ID.get(id)
    if (name === undefined) throw new Error(`${type} holds property ${id}`)
    const [, kind, places] = PROPERTIES[name]
    if (!places.includes(type)) throw new Error(`${type} holds the property ${name}`)
    const value = decodeProperty(kind, cursor)
    if (kind === 'pair' || name === 'subscriptionIdentifiers') {
      properties[name] = [...((properties[name] as unknown[] | undefined) ?? []), value]
    } else if (name in properties) {
      throw new Error(`${type} holds ${name} twice`)
    } else {
      properties[name] = value
    }
  }
  if (cursor.at !== end) throw new Error(`a property of ${type} goes past the Property Length`)
  return properties as Properties
}

function decodeProperty(kind: Kind, cursor: Cursor): unknown {
  switch (kind) {
    case 'byte':
      return cursor.number(1)
    case 'uint16':
      return cursor.number(2)
    case 'uint32':
      return cursor.number(4)
    case 'varint':
      return cursor.varint()
    case 'string':
      return cursor.text()
    case 'binary':
      return cursor.binary()
    case 'pair':
      return [cursor.text(), cursor.text()]
  }
}
