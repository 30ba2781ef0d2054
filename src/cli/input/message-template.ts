import { Message } from '../../codec/message.ts'

/** A message like the template with another payload; topic and properties are copied as they are encoded. */
export function withPayload(template: Message, payload: Buffer): Message {
  const { topicName, topic, bytes, propertiesStart, propertiesEnd, qos, retain } = template
  const forwarded = bytes.subarray(propertiesStart, propertiesEnd)
  const message = Message.compose(topicName, topic, forwarded, payload, qos, retain)
  message.messageExpiryIntervalSeconds = template.messageExpiryIntervalSeconds
  return message
}
