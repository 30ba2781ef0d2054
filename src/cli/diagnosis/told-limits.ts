import type { ClientOptions } from '../../client/client.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import type { Welcome } from './connect-steps.ts'
import { type Finding, finding, type Status } from './finding.ts'

/** The limits that CONNACK tells, with the defaults of the standard (5.0 section 3.2.2.3); older versions tell none. */
export function toldLimits({ version, connack }: Welcome, options: ClientOptions): Finding[] {
  if (version !== ProtocolVersion.V5) {
    return [finding('limits', 'skipped', `MQTT ${protocolVersionName(version)} tells none in CONNACK`)]
  }
  const { properties } = connack
  const {
    maximumQos = 2,
    retainAvailable = 1,
    wildcardSubscriptionAvailable = 1,
    sharedSubscriptionAvailable = 1,
    subscriptionIdentifierAvailable = 1,
    maximumPacketBytes,
    receiveMaximum = 65_535,
    topicAliasMaximum = 0,
    serverKeepAliveSeconds,
    sessionExpiryIntervalSeconds,
    assignedClientIdentifier,
  } = properties
  const { keepAliveSeconds = 60 } = options
  return [
    told('QoS', maximumQos === 2, `up to ${maximumQos}`, { maximumQos }),
    available('retained messages', retainAvailable, 'RETAIN gets a client disconnected with 0x9A'),
    available('wildcards', wildcardSubscriptionAvailable, 'filters with + or # are refused with 0xA2'),
    available('shared subscriptions', sharedSubscriptionAvailable, '$share filters are refused with 0x9E'),
    available('subscription ids', subscriptionIdentifierAvailable, 'they are refused with 0xA1'),
    told(
      'packet size',
      true,
      maximumPacketBytes === undefined ? 'no limit told' : `up to ${maximumPacketBytes} bytes`,
      {
        maximumPacketBytes: maximumPacketBytes ?? null,
      },
    ),
    told('receive maximum', receiveMaximum > 1, `${receiveMaximum} unacknowledged messages of QoS 1 and 2`, {
      receiveMaximum,
    }),
    told('topic alias', true, topicAliasMaximum === 0 ? 'not available' : `up to ${topicAliasMaximum}`, {
      topicAliasMaximum,
    }),
    told(
      'keep alive',
      serverKeepAliveSeconds === undefined,
      serverKeepAliveSeconds === undefined
        ? `the ${keepAliveSeconds} s that were asked for`
        : `the broker wants ${serverKeepAliveSeconds} s in place of ${keepAliveSeconds} s`,
      { keepAliveSeconds: serverKeepAliveSeconds ?? keepAliveSeconds },
    ),
    ...(sessionExpiryIntervalSeconds === undefined
      ? []
      : [told('session expiry', true, `${sessionExpiryIntervalSeconds} s`, { sessionExpiryIntervalSeconds })]),
    ...(assignedClientIdentifier === undefined
      ? []
      : [told('client id', true, `the broker makes one: ${assignedClientIdentifier}`, { assignedClientIdentifier })]),
  ]
}

function told(step: string, isUsual: boolean, text: string, details: Readonly<Record<string, unknown>>): Finding {
  const status: Exclude<Status, 'failed'> = isUsual ? 'ok' : 'note'
  return finding(step, status, text, { details })
}

function available(step: string, flag: number, otherwise: string): Finding {
  return told(step, flag !== 0, flag === 0 ? `not available: ${otherwise}` : 'available', { available: flag !== 0 })
}
