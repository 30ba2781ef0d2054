import { Publish } from '../../codec/packets/publish.ts'
import type { Context } from '../context.ts'
import { withPayload } from '../input/message-template.ts'
import { ChangedPayloads } from '../output/changed-payloads.ts'
import { payloadDecoder } from '../output/payload-decoder.ts'
import type { PayloadEncoding } from '../output/payload-encoding.ts'

/** Something between receiving a message and showing it: the message as it goes on, or null when it ends here. */
export type MessageStep = (publish: Publish) => Publish | null

const PERCENT = 100

/** Lets pass what differs from the last message on its topic. */
export function onlyChanges(): MessageStep {
  const changed = new ChangedPayloads()
  return (publish) => (changed.isChange(publish.message.topicName, publish.message.payload) ? publish : null)
}

/** Lets pass some of the messages, by chance. @param percent 0 to 100 */
export function sample(percent: number): MessageStep {
  return (publish) => (Math.random() * PERCENT < percent ? publish : null)
}

/** Puts what the payload says in its place; a payload of another kind stays as it is, and that is told. */
export async function decoded(encoding: PayloadEncoding, { talk }: Context): Promise<MessageStep> {
  const decode = await payloadDecoder(encoding)
  return (publish) => {
    const { message, qos, dup, packetId, topicAlias, subscriptionIdentifiers } = publish
    const payload = decode(message.payload)
    if (payload === null) {
      talk.say(`the payload on ${JSON.stringify(message.topicName)} is no ${encoding}; it is left as it came`)
      return publish
    }
    const shown = new Publish(withPayload(message, payload), qos, dup, packetId)
    return Object.assign(shown, { topicAlias, subscriptionIdentifiers })
  }
}
