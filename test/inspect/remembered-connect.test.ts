import { expect, it } from 'vitest'
import { Connect } from '../../src/codec/packets/connect.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { remembered } from '../../src/inspect/analysis/remembered-connect.ts'

it('what is remembered of CONNECT looks into no chunk of the capture, and holds no secret', () => {
  const chunk = Buffer.from('password, payload')
  const connect = new Connect({
    version: ProtocolVersion.V5,
    clientId: 'door',
    cleanStart: true,
    keepAliveSeconds: 60,
    password: chunk.subarray(0, 8),
    properties: { receiveMaximum: 7, authenticationData: chunk.subarray(0, 8) },
    will: {
      topicName: 'home/door',
      payload: chunk.subarray(10),
      qos: 1,
      retain: false,
      properties: { willDelayIntervalSeconds: 5, correlationData: chunk },
    },
  })

  const kept = remembered(connect)

  expect(kept).toMatchObject({
    clientId: 'door',
    keepAliveSeconds: 60,
    password: null,
    properties: { receiveMaximum: 7 },
  })
  expect(kept.properties.authenticationData).toBeUndefined()
  expect(kept.will!.payload.toString()).toBe('payload')
  expect(kept.will!.payload.buffer).not.toBe(chunk.buffer)
  expect(kept.will!.properties).toEqual({ willDelayIntervalSeconds: 5 })
})
