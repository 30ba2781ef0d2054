import type { InspectedPacket } from '../inspected-packet.ts'
import { oldest } from '../oldest.ts'
import { PayloadError } from '../payload/payload-value.ts'
import { decodeSparkplug, type SparkplugPayload, type SparkplugTopic, sparkplugTopic } from '../payload/sparkplug.ts'
import { SparkplugNodes } from '../payload/sparkplug-nodes.ts'
import { type Finding, type FindingName, makeFinding } from './finding.ts'

/** Edge nodes whose last sequence number is remembered; with more the sixteenth that was heard first is forgotten. */
const MAXIMUM_NODES = 10_000
/** Sequence numbers run from 0 to 255, and again. */
const SEQUENCE_NUMBERS = 256n

/** Who takes findings. */
interface FindingOutput {
  report(finding: Finding): void
}

/**
 * Rules of Sparkplug B that need history: sequence numbers and aliases. Only what a client publishes is looked at: a subscriber need
 * not get all that a node says.
 */
export class SparkplugWatch {
  readonly #output: FindingOutput
  readonly #nodes = new SparkplugNodes()
  // connection and node -> its last sequence number
  readonly #sequences = new Map<string, bigint>()

  constructor(output: FindingOutput) {
    this.#output = output
  }

  /** A client has published. */
  published(topicName: string, payload: Buffer, inspected: InspectedPacket): void {
    const topic = sparkplugTopic(topicName)
    // commands come from hosts and have no place in the sequence of the node
    if (topic === null || topic.message.endsWith('CMD')) return
    let read: SparkplugPayload
    try {
      read = decodeSparkplug(payload)
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error
      this.#report('SPARKPLUG_PAYLOAD_INVALID', inspected, `${JSON.stringify(topicName)}: ${error.message}`)
      return
    }
    this.#checkSequence(topic, read, inspected)
    this.#checkAliases(topic, read, inspected)
    this.#nodes.learn(topic, read)
  }

  #checkSequence(
    { message, group, node }: SparkplugTopic,
    { seq }: SparkplugPayload,
    inspected: InspectedPacket,
  ): void {
    // NDEATH, the will, was written before anything else
    if (message === 'NDEATH' || seq === undefined) return
    const key = `${inspected.stream} ${group}/${node}`
    const last = message === 'NBIRTH' ? undefined : this.#sequences.get(key)
    const expected = last === undefined ? seq : (last + 1n) % SEQUENCE_NUMBERS
    if (seq !== expected) {
      const detail = `${message} of ${JSON.stringify(`${group}/${node}`)} has ${seq}, expected ${expected}`
      this.#report('SPARKPLUG_SEQUENCE_GAP', inspected, detail)
    }
    this.#sequences.delete(key)
    this.#sequences.set(key, seq)
    if (this.#sequences.size > MAXIMUM_NODES) {
      for (const first of oldest(this.#sequences.keys(), MAXIMUM_NODES)) this.#sequences.delete(first)
    }
  }

  // What was born before the capture began is held against nobody.
  #checkAliases(topic: SparkplugTopic, { metrics }: SparkplugPayload, inspected: InspectedPacket): void {
    if (topic.message.endsWith('BIRTH') || !this.#nodes.knows(topic)) return
    const known = this.#nodes.metricsOf(topic)
    const stranger = metrics.find(
      ({ name, alias }) => name === undefined && alias !== undefined && known(alias as bigint) === undefined,
    )
    if (stranger === undefined) return
    const detail = `${topic.message} of ${JSON.stringify(`${topic.group}/${topic.node}`)}, alias ${stranger['alias']}`
    this.#report('SPARKPLUG_ALIAS_UNKNOWN', inspected, detail)
  }

  #report(name: FindingName, inspected: InspectedPacket, detail: string): void {
    this.#output.report(makeFinding(name, inspected, detail))
  }
}
