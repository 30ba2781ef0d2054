import type { Will } from '../../src/codec/packets/connect.ts'

/** A will at QoS 0, not retained, without properties unless told otherwise. */
export function willOf(topicName: string, payload: string, more: Partial<Will> = {}): Will {
  return { topicName, payload: Buffer.from(payload), qos: 0, retain: false, properties: {}, ...more }
}
