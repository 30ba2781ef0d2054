import { brokenPackets } from './broken-packets.ts'
import type { ModelClient, Sending } from './model-client.ts'
import type { Delivery } from './model-state.ts'
import type { ConnectOperation, Manner, Operation, PublishOperation } from './operations.ts'
import type { ClientPacket, FilterFields, Version, WillFields } from './wire.ts'

/** The bytes for an operation of a client; null when it has none, or makes no sense now. @param number of the operation */
export function sendingFor(operation: Operation, client: ModelClient, number: number): Sending | null {
  const { version } = client.connection
  switch (operation.do) {
    case 'connect':
      return { packet: connectPacket(operation, number) }
    case 'publish':
      return { packet: publishPacket(operation, version, number) }
    case 'subscribe': {
      const filters = operation.filters.map((filter) => filterFields(filter, version))
      return {
        packet: {
          type: 'SUBSCRIBE',
          id: 1000 + number,
          filters,
          identifier: version === 5 ? (operation.identifier ?? 0) : 0,
        },
      }
    }
    case 'unsubscribe':
      return { packet: { type: 'UNSUBSCRIBE', id: 1000 + number, filters: operation.filters } }
    case 'acknowledge': {
      const open = openDeliveries(client)
      const delivery = open[operation.which % open.length]
      if (delivery === undefined) return null
      return { packet: acknowledgement(delivery, operation.manner ?? 'rightly', version) }
    }
    case 'acknowledge nothing':
      // an id that no broker comes to in a script
      return { packet: { type: operation.type, id: 60_000 + number, code: 0 } }
    case 'release':
      return { packet: { type: 'PUBREL', id: operation.id, code: 0 } }
    case 'ping':
      return { packet: { type: 'PINGREQ' } }
    case 'disconnect': {
      const { code = 0, sessionExpiry } = operation
      const properties = version === 5 && sessionExpiry !== undefined ? { sessionExpiry } : {}
      return { packet: { type: 'DISCONNECT', code: version === 5 ? code : 0, properties } }
    }
    case 'break a rule': {
      const broken = brokenPackets.get(operation.rule)
      if (broken === undefined) throw new Error(`there is no rule '${operation.rule}'`)
      // a CONNECT breaks nothing where it is the first
      if (broken.hex.startsWith('10') && client.connection.phase === 'new' && !client.isHolding) return null
      return broken.versions.includes(version) ? { bytes: Buffer.from(broken.hex, 'hex'), codes: broken.codes } : null
    }
    default:
      return null
  }
}

/** Messages that a client has got on this connection and not finished, in the order of their first sending. */
export function openDeliveries({ connection }: ModelClient): Delivery[] {
  if (connection.phase !== 'connected') return []
  const open = connection.session!.deliveries.filter(
    ({ state, sentOn }) => state !== 'waiting' && sentOn === connection,
  )
  return open.sort((a, b) => a.sentOrder - b.sentOrder)
}

/** What a client answers to a message. */
export function acknowledgement(
  { qos, state, packetId: id }: Delivery,
  manner: Manner,
  version: Version,
): ClientPacket {
  const expected = qos === 1 ? 'PUBACK' : state === 'sent' ? 'PUBREC' : 'PUBCOMP'
  if (manner === 'as the wrong kind') return { type: qos === 1 ? 'PUBREC' : 'PUBACK', id, code: 0 }
  if (manner === 'again' && state === 'released') return { type: 'PUBREC', id, code: 0 }
  const isRefused = manner === 'with an error' && version === 5 && state === 'sent'
  return { type: expected, id, code: isRefused ? 0x83 : 0 }
}

function connectPacket(operation: ConnectOperation, number: number): ClientPacket {
  const {
    version,
    clientId,
    clean = false,
    bridge = false,
    keepAlive = 0,
    userName = null,
    properties = {},
  } = operation
  const will = operation.will === undefined ? null : willFields(operation.will, number)
  return {
    type: 'CONNECT',
    version,
    bridge,
    clientId,
    cleanStart: clean,
    keepAlive,
    userName,
    will,
    properties: version === 5 ? properties : {},
  }
}

function willFields(will: NonNullable<ConnectOperation['will']>, number: number): WillFields {
  const { topic, qos = 0, retain = false, bytes, properties = {} } = will
  return { topic, payload: payloadOf(`will ${number}`, bytes), qos, retain, properties }
}

function publishPacket(operation: PublishOperation, version: Version, number: number): ClientPacket {
  const { topic, qos = 0, id = 1, dup = false, retain = false, bytes, properties = {} } = operation
  const payload = payloadOf(`message ${number}`, bytes)
  const packetId = qos === 0 ? 0 : id
  return {
    type: 'PUBLISH',
    topic,
    payload,
    qos,
    dup: dup && qos > 0,
    retain,
    id: packetId,
    properties: version === 5 ? properties : {},
  }
}

function payloadOf(name: string, bytes: number | undefined): string {
  if (bytes === undefined) return name
  return bytes === 0 ? '' : name.padEnd(bytes, '.')
}

function filterFields(operation: { readonly filter: string } & Partial<FilterFields>, version: Version): FilterFields {
  const { filter, qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = operation
  if (version !== 5) return { filter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 }
  return { filter, qos, noLocal, retainAsPublished, retainHandling }
}
