import { describe, expect, it } from 'vitest'
import { ClientErrorKind } from '../../src/client/client-error.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { isReasonCodeAllowed } from '../../src/codec/reason-code.ts'
import { violations } from '../../src/codec/violation.ts'
import type { ViolationVector } from '../vectors/violations/violation-vector.ts'
import { violationVectors } from '../vectors/violations/violations.ts'
import { decodeChunks } from './decoding.ts'
import { describePacket } from './recording-output.ts'
import { ScriptedBroker } from './scripted-broker.ts'
import { startBroker } from './test-broker.ts'
import { TestClient } from './test-client.ts'

/** A broken packet as a receiver in one version sees it. */
interface Case {
  readonly title: string
  readonly vector: ViolationVector
  readonly statement: string
  readonly reasonCode: number
}

/**
 * Sends every broken packet of the vectors to a broker, over a socket: a 5.0 client is told the Reason Code, any other just
 * closed. Titles begin with the statement.
 */
export function describeBrokenPacketsOnBroker(version: ProtocolVersion): void {
  describe('the broker', () => {
    it.each(casesFor(Role.CLIENT, version))('$title', async ({ vector, reasonCode }) => {
      const { open, client } = await startBroker()
      const { bytes } = vector
      const isFirst = vector.beforeConnect === true || bytes[0]! >> 4 === PacketType.CONNECT
      const raw = isFirst ? await open(version) : await client({ version })
      const before = raw.received.length
      raw.sendBytes(bytes)
      await raw.closed()

      const told = raw.waiting.map(describePacket)
      const code = `0x${reasonCode.toString(16)}`
      if (vector.violation === 'PROTOCOL_LEVEL_UNSUPPORTED') expect(raw.received.toString('hex')).toBe('20020001')
      else if (version !== ProtocolVersion.V5 || bytes[0]! >> 4 !== PacketType.CONNECT) {
        if (version === ProtocolVersion.V5 && !isFirst) expect(told).toEqual([`DISCONNECT ${code}`])
        else expect(raw.received.length).toBe(before)
      } else expect(told).toEqual([`CONNACK ${code}`])
    })
  })
}

/**
 * Sends every broken packet of the vectors to a client, over a socket: the client tells a 5.0 server the Reason Code, and
 * closes. Titles begin with the statement.
 */
export function describeBrokenPacketsOnClient(version: ProtocolVersion): void {
  describe('the client', () => {
    it.each(casesFor(Role.SERVER, version))('$title', async ({ vector, statement, reasonCode }) => {
      const { bytes, maximumPacketBytes } = vector
      const broker = await ScriptedBroker.start()
      const connectProperties = maximumPacketBytes === undefined ? {} : { maximumPacketBytes }
      const { client, closed } = new TestClient(broker.address, { version, connectProperties })
      client.connect().catch(() => {})
      const peer = await broker.connection()
      const isFirst = bytes[0]! >> 4 === PacketType.CONNACK
      if (isFirst) await peer.expect(PacketType.CONNECT)
      else await peer.accept()
      peer.sendBytes(bytes)

      const isTold = version === ProtocolVersion.V5 && !isFirst
      const code = isReasonCodeAllowed(PacketType.DISCONNECT, reasonCode, Role.CLIENT) ? reasonCode : 0x82
      expect(await peer.rest()).toEqual(isTold ? [`DISCONNECT 0x${code.toString(16)}`] : [])
      expect(await closed).toMatchObject({ kind: ClientErrorKind.PROTOCOL, cause: { statement } })
    })
  })
}

// Vectors are written for one sender; where the other one breaks the same rule with the same bytes, it is tried too.
function casesFor(sender: Role, version: ProtocolVersion): Case[] {
  return violationVectors.flatMap((vector): Case[] => {
    const statement = statementOf(vector, version)
    // a receiver waits for the rest, or has a limit of its own that a test of limits shows
    if (statement === null || vector.violation === 'STREAM_ENDS_INSIDE_PACKET') return []
    if (vector.maximumPacketBytes !== undefined && sender === Role.CLIENT) return []
    if (vector.sender !== sender && !breaksTheSame(vector, sender, version, statement)) return []
    const reasonCode = vector.reasonCode ?? violations[vector.violation].reasonCode
    return [{ title: `[${statement}] refuses ${vector.title}`, vector, statement, reasonCode }]
  })
}

function statementOf({ v31, v311, v5 }: ViolationVector, version: ProtocolVersion): string | null {
  if (version === ProtocolVersion.V5) return v5 ?? null
  return (version === ProtocolVersion.V3_1 ? v31 : v311) ?? null
}

function breaksTheSame(vector: ViolationVector, sender: Role, version: ProtocolVersion, statement: string): boolean {
  if (vector.beforeConnect === true) return false
  const { violation } = decodeChunks([vector.bytes], { sender, version })
  return violation?.violation === vector.violation && violation.statement === statement
}
