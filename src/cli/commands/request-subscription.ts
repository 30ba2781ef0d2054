import type { Client } from '../../client/client.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Connack } from '../../codec/packets/connack.ts'
import type { Suback } from '../../codec/packets/suback.ts'
import type { SubscriptionRequest } from '../../codec/packets/subscribe.ts'
import type { Properties } from '../../codec/property.ts'
import { formatReasonCode, ReasonCode } from '../../codec/reason-code.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { explain } from './explain.ts'

/**
 * Connects and makes the one subscription that a side of `rr` lives on.
 * @throws Failure (rejects) naming the broker
 */
export async function connectAndSubscribe(
  client: Client,
  where: string,
  request: (connack: Connack) => SubscriptionRequest,
  properties: Properties,
): Promise<void> {
  try {
    const subscription = request(await client.connect())
    judgeSuback(where, subscription.topicFilter, await client.subscribe([subscription], properties))
  } catch (error) {
    if (error instanceof ProtocolViolation && error.ours) throw new UsageError(error.message)
    throw error instanceof Failure ? error : explain(error, where)
  }
}

/** @throws Failure when the filter was refused */
export function judgeSuback(where: string, topicFilter: string, { codes, properties }: Suback): void {
  const code = codes[0]!
  if (code < ReasonCode.UNSPECIFIED_ERROR) return
  const reason = properties.reasonString === undefined ? '' : ` (${JSON.stringify(properties.reasonString)})`
  const text = `${where} refused SUBSCRIBE to ${JSON.stringify(topicFilter)}: ${formatReasonCode(code, PacketType.SUBACK)}`
  throw new Failure(ExitCode.SUBSCRIBE_REFUSED, text + reason)
}
