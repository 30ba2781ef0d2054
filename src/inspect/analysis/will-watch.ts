import { Role } from '../../codec/packet-type.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import type { Conversation } from './conversation.ts'
import { type Finding, makeFinding, type Place } from './finding.ts'

/** Reason Code of DISCONNECT that keeps the will. */
const DISCONNECT_WITH_WILL = 0x04

/** Looks for the wills of connections that ended without DISCONNECT. */
export class WillWatch {
  readonly #output: { report(finding: Finding): void }
  // by Will Topic; there are no more of them than conversations
  readonly #watched = new Map<string, Set<Conversation>>()

  constructor(output: { report(finding: Finding): void }) {
    this.#output = output
  }

  /** A connection with a will was accepted. */
  watch(conversation: Conversation): void {
    const topicName = conversation.connect?.will?.topicName
    if (topicName === undefined) return
    const watched = this.#watched.get(topicName)
    if (watched === undefined) this.#watched.set(topicName, new Set([conversation]))
    else watched.add(conversation)
  }

  /** A message from the server. */
  seen(topicName: string, payload: Buffer, { frame, timeSeconds }: Place): void {
    const watched = this.#watched.get(topicName)
    if (watched === undefined) return
    for (const conversation of watched) {
      if (!isDue(conversation) || !conversation.connect!.will!.payload.equals(payload)) continue
      const waitedSeconds = (timeSeconds ?? 0) - (endOf(conversation).timeSeconds ?? 0)
      this.#tell(conversation, `published in frame ${frame}, ${waitedSeconds.toFixed(3)} s later`)
      return this.forget(conversation)
    }
  }

  /** Nothing more is to be heard of the connection, or its session was resumed within the Will Delay Interval. */
  forget(conversation: Conversation): void {
    const topicName = conversation.connect?.will?.topicName ?? ''
    const watched = this.#watched.get(topicName)
    watched?.delete(conversation)
    if (watched?.size === 0) this.#watched.delete(topicName)
  }

  end(): void {
    for (const watched of this.#watched.values()) {
      for (const conversation of watched) if (isDue(conversation)) this.#tell(conversation, 'not seen in the capture')
    }
    this.#watched.clear()
  }

  #tell(conversation: Conversation, outcome: string): void {
    const { topicName, properties } = conversation.connect!.will!
    const delay = properties.willDelayIntervalSeconds ?? 0
    const parts = [
      JSON.stringify(conversation.clientId),
      `Will Topic ${JSON.stringify(topicName)}`,
      ...(delay > 0 ? [`Will Delay Interval ${delay} s`] : []),
      outcome,
    ]
    this.#output.report(makeFinding('WILL_DUE', endOf(conversation), parts.join(', ')))
  }
}

function isDue({ parties, disconnect, version, isTakenOver }: Conversation): boolean {
  const code = disconnect[Role.CLIENT]!
  const isKept = code === null || (version === ProtocolVersion.V5 && code === DISCONNECT_WITH_WILL)
  return isKept && (parties.closed !== null || isTakenOver)
}

function endOf({ lastPlace, parties }: Conversation): Place {
  return { ...lastPlace, ...parties.closed }
}
