import { PacketType, Role } from '../../codec/packet-type.ts'
import type { Publish } from '../../codec/packets/publish.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import type { InspectedPacket } from '../inspected-packet.ts'
import type { Parties } from '../network/connection.ts'
import { oldest } from '../oldest.ts'
import { Conversation, type ConversationOutput } from './conversation.ts'
import { Budget } from './exchanges.ts'
import { type Finding, type FindingName, makeFinding, type Place } from './finding.ts'
import { Latencies } from './latencies.ts'
import { SparkplugWatch } from './sparkplug-watch.ts'
import { TopicCounts } from './topic-counts.ts'
import { WillWatch } from './will-watch.ts'

/** Connections that are remembered; with more the sixteenth that began first is judged as it stands. */
const MAXIMUM_CONVERSATIONS = 10_000
/** Client Identifiers whose last connection is remembered; with more the sixteenth that came first is forgotten. */
const MAXIMUM_CLIENTS = 10_000
/** Exchanges of QoS 1 and 2 that are open, all connections together; more are not followed. */
const MAXIMUM_OPEN_EXCHANGES = 100_000
/** Findings that are kept; more are counted. */
const MAXIMUM_FINDINGS = 10_000
const NEVER_EXPIRES = 0xffff_ffff
/** Clocks of capture and server differ, so a session that is just over its time may still be there. */
const EXPIRY_MARGIN_SECONDS = 60

/** What one connection came to. */
export interface ConversationSummary {
  readonly stream: number
  readonly parties: Parties
  readonly version: ProtocolVersion
  readonly clientId: string | null
  readonly packets: number
  readonly bytes: number
  readonly firstSeconds: number | null
  readonly lastSeconds: number | null
}

/** Rules that need history, over all connections of a capture; feed it every packet in order, then call {@link end}. */
export class SessionAnalysis implements ConversationOutput {
  readonly findings: Finding[] = []
  /** findings beyond the limit */
  unlistedFindings = 0
  readonly summaries: ConversationSummary[] = []
  readonly latencies = new Latencies()
  readonly topics = new TopicCounts()
  readonly budget = new Budget(MAXIMUM_OPEN_EXCHANGES)
  readonly #open = new Map<number, Conversation>()
  // server and Client Identifier -> its last accepted connection
  readonly #clients = new Map<string, Conversation>()
  readonly #wills = new WillWatch(this)
  readonly #sparkplug = new SparkplugWatch(this)
  #lastSeconds: number | null = null

  add(inspected: InspectedPacket, parties: Parties): void {
    const { stream, packet, sender } = inspected
    if (stream === null) return
    let conversation = this.#open.get(stream)
    if (conversation === undefined) {
      conversation = new Conversation(inspected, parties, this)
      this.#open.set(stream, conversation)
      if (this.#open.size > MAXIMUM_CONVERSATIONS) this.#forgetOldest(inspected.timeSeconds)
    }
    conversation.add(inspected)
    if (conversation.isReplaced && sender === Role.SERVER && inspected.packetType !== PacketType.DISCONNECT) {
      this.#report('OLD_CONNECTION_GOES_ON', inspected)
      conversation.isReplaced = false
    }
    if (packet?.packetType === PacketType.PUBLISH) this.#publish(packet, inspected)
    this.#lastSeconds = inspected.timeSeconds
    if (packet?.packetType === PacketType.CONNECT) this.#asked(conversation)
    if (packet?.packetType === PacketType.CONNACK && packet.code === 0) this.#accepted(conversation, inspected)
  }

  /** The capture is over. Findings are in the order of their frames then. */
  end(): void {
    for (const conversation of [...this.#open.values()]) this.#finish(conversation, this.#lastSeconds)
    this.#wills.end()
    this.findings.sort((a, b) => (a.frame ?? 0) - (b.frame ?? 0))
  }

  report(finding: Finding): void {
    if (this.findings.length < MAXIMUM_FINDINGS) this.findings.push(finding)
    else this.unlistedFindings++
  }

  #report(name: FindingName, place: Place, detail?: string): void {
    this.report(makeFinding(name, place, detail))
  }

  #publish(publish: Publish, inspected: InspectedPacket): void {
    const { topicName } = inspected
    if (topicName === null) return
    this.topics.add(topicName, inspected.bytes.length)
    const { payload } = publish.message
    if (inspected.sender === Role.SERVER) this.#wills.seen(topicName, payload, inspected)
    else this.#sparkplug.published(topicName, payload, inspected)
  }

  // The older connection may be closed before the newer one is accepted, so this is looked at with CONNECT.
  #asked(conversation: Conversation): void {
    const { clientId } = conversation
    const previous = clientId === null ? undefined : this.#clients.get(keyOf(conversation))
    if (previous === undefined || previous === conversation || !isOpen(previous)) return
    previous.isTakenOver = true
    const detail = `${JSON.stringify(clientId)}, until now stream ${previous.stream}`
    this.#report('TAKEOVER', conversation.connectPlace!, detail)
  }

  // A client is connected: what was with its Client Identifier before says what Session Present should be.
  #accepted(conversation: Conversation, inspected: InspectedPacket): void {
    const { clientId, connect, connack } = conversation
    if (connect === null || connack === null || clientId === null || clientId === '') return
    const key = keyOf(conversation)
    const previous = this.#clients.get(key)
    this.#clients.delete(key)
    this.#clients.set(key, conversation)
    if (this.#clients.size > MAXIMUM_CLIENTS) {
      for (const first of oldest(this.#clients.keys(), MAXIMUM_CLIENTS)) this.#clients.delete(first)
    }
    if (connect.cleanStart && connack.sessionPresent) this.#report('SESSION_PRESENT_AFTER_CLEAN_START', inspected)
    this.#wills.watch(conversation)
    if (previous === undefined || previous === conversation) return
    previous.isReplaced = isOpen(previous)
    const isKept = isSessionKept(previous, inspected.timeSeconds)
    if (!connect.cleanStart && conversation.version !== ProtocolVersion.V3_1) {
      if (isKept === true && !connack.sessionPresent) this.#report('SESSION_LOST', inspected)
      if (isKept === false && connack.sessionPresent) this.#report('SESSION_KEPT', inspected)
    }
    const isResumed = conversation.version === ProtocolVersion.V3_1 ? !connect.cleanStart : connack.sessionPresent
    if (isResumed && !previous.isPartial) carryOver(previous, conversation)
    if (isWillCancelled(previous, inspected.timeSeconds)) this.#wills.forget(previous)
    this.#finish(previous)
  }

  #forgetOldest(nowSeconds: number | null): void {
    for (const first of oldest(this.#open.values(), MAXIMUM_CONVERSATIONS)) {
      this.#finish(first, nowSeconds)
      this.#open.delete(first.stream)
    }
  }

  // @param captureEndSeconds null: the connection is known to have ended
  #finish(conversation: Conversation, captureEndSeconds: number | null = null): void {
    // what still comes of a connection that was replaced is looked at too
    if (!conversation.isReplaced) this.#open.delete(conversation.stream)
    if (conversation.isFinished) return
    conversation.finish(captureEndSeconds)
    const { stream, parties, version, clientId, packets, bytes, firstSeconds, lastSeconds } = conversation
    if (this.summaries.length < MAXIMUM_CONVERSATIONS) {
      this.summaries.push({ stream, parties, version, clientId, packets, bytes, firstSeconds, lastSeconds })
    }
    for (const exchanges of conversation.exchanges) exchanges.clear()
  }
}

function keyOf({ parties, clientId }: Conversation): string {
  return `${parties.server} ${clientId}`
}

// What was open is told by the connection that resumes, not by the one that was lost.
function carryOver(previous: Conversation, conversation: Conversation): void {
  for (const sender of [Role.CLIENT, Role.SERVER]) {
    for (const [, exchange] of previous.exchanges[sender].open()) {
      conversation.carried[sender].set(exchange.packetId, exchange)
    }
    previous.exchanges[sender].clear()
  }
}

// A client that comes back within the Will Delay Interval keeps its will silent [MQTT-3.1.3-9 v5].
function isWillCancelled({ connect, parties, lastSeconds }: Conversation, nowSeconds: number | null): boolean {
  const delaySeconds = connect?.will?.properties.willDelayIntervalSeconds ?? 0
  const endedSeconds = parties.closed?.timeSeconds ?? lastSeconds
  return nowSeconds !== null && endedSeconds !== null && nowSeconds - endedSeconds < delaySeconds
}

function isOpen({ parties, disconnect }: Conversation): boolean {
  return parties.closed === null && disconnect.every((code) => code === null)
}

// null: nobody can tell
function isSessionKept(previous: Conversation, nowSeconds: number | null): boolean | null {
  const { connect, connack, version, parties, disconnectExpirySeconds } = previous
  if (connect === null) return null
  if (version !== ProtocolVersion.V5) return !connect.cleanStart
  const expirySeconds =
    disconnectExpirySeconds ??
    connack?.properties.sessionExpiryIntervalSeconds ??
    connect.properties.sessionExpiryIntervalSeconds ??
    0
  if (expirySeconds === 0) return false
  if (expirySeconds === NEVER_EXPIRES) return true
  const endedSeconds = parties.closed?.timeSeconds ?? previous.lastSeconds
  if (nowSeconds === null || endedSeconds === null) return null
  const awaySeconds = nowSeconds - endedSeconds
  if (awaySeconds < expirySeconds) return true
  return awaySeconds > expirySeconds + EXPIRY_MARGIN_SECONDS ? false : null
}
