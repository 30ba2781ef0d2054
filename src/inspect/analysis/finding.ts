import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { type ViolationRow, violations } from '../../codec/violation.ts'
import type { InspectedPacket } from '../inspected-packet.ts'

/** Something worth knowing about a session that no single packet shows. */
export interface Finding {
  /** statement of the standard for the version in use, or the row's name in lower case where it has none */
  readonly id: string
  /** row of this file, or of codec/violation.ts */
  readonly name: string
  /** error: a rule is broken; warning: something went wrong, or will; note: good to know */
  readonly severity: Severity
  readonly stream: number | null
  /** of the packet that shows it, counted from 1 */
  readonly frame: number | null
  readonly timeSeconds: number | null
  readonly message: string
  /** what to do */
  readonly advice: string
}

export type Severity = 'error' | 'warning' | 'note'

interface FindingRow {
  readonly severity: Severity
  readonly v311: string | null
  readonly v5: string | null
  readonly text: string
  readonly advice: string
}

function row(
  severity: Severity,
  statements: { v311: string | null; v5: string | null },
  text: string,
  advice: string,
): FindingRow {
  return { severity, ...statements, text, advice }
}

const NO_STATEMENT = { v311: null, v5: null }

/** Findings that are no row of codec/violation.ts. */
export const findingRows = {
  UNACKNOWLEDGED_PUBLISH: row(
    'warning',
    { v311: 'MQTT-4.3.2-1', v5: 'MQTT-4.3.2-3' },
    'PUBLISH was never acknowledged',
    'look at the receiver: it has not taken the message over, or the connection ended before; the sender must keep the message',
  ),
  UNFINISHED_QOS_2: row(
    'warning',
    { v311: 'MQTT-4.3.3-1', v5: 'MQTT-4.3.3-4' },
    'QoS 2 exchange stopped half way',
    'the Packet Identifier stays in use on both sides until PUBREL and PUBCOMP have passed',
  ),
  UNANSWERED_REQUEST: row(
    'warning',
    { v311: 'MQTT-3.8.4-1', v5: 'MQTT-3.8.4-1' },
    'request without an answer',
    'look at the server, or at what ended the connection before the answer',
  ),
  UNANSWERED_PING: row(
    'warning',
    { v311: 'MQTT-3.12.4-1', v5: 'MQTT-3.12.4-1' },
    'PINGREQ without PINGRESP',
    'the server or the way to it is gone; clients should reconnect when PINGRESP does not come in time',
  ),
  CONNECT_REFUSED: row('note', NO_STATEMENT, 'CONNECT refused', 'mqtt-kit explain tells what the code means'),
  SUBSCRIPTION_REFUSED: row(
    'note',
    NO_STATEMENT,
    'Topic Filter refused',
    'no message comes for this filter: look at the rights of the client',
  ),
  PUBLISH_REFUSED: row(
    'note',
    NO_STATEMENT,
    'PUBLISH refused by its receiver',
    'the message is lost: the sender may not send it again',
  ),
  DUP_ON_FIRST_DELIVERY: row(
    'warning',
    { v311: 'MQTT-4.3.2-1', v5: 'MQTT-4.3.2-2' },
    'DUP is set on a PUBLISH that was not sent before',
    'DUP belongs to the sending again of one packet, not to a message that is forwarded or published twice',
  ),
  RESENT_WITHOUT_DUP: row(
    'error',
    { v311: 'MQTT-3.3.1-1', v5: 'MQTT-3.3.1-1' },
    'PUBLISH is sent again without DUP',
    'the sender has to set DUP when it sends a PUBLISH again after a reconnect',
  ),
  RESENT_WHILE_CONNECTED: row(
    'error',
    { v311: null, v5: 'MQTT-4.4.0-1' },
    'PUBLISH is sent again although the connection was not lost',
    'MQTT 5.0 allows sending again only after a reconnect: take out the timer',
  ),
  RESENT_OUT_OF_ORDER: row(
    'warning',
    { v311: 'MQTT-4.6.0-1', v5: 'MQTT-4.6.0-1' },
    'PUBLISH packets are sent again in another order',
    'keep unacknowledged messages in a queue, not in a map without order',
  ),
  NOT_RESENT: row(
    'warning',
    { v311: 'MQTT-4.4.0-1', v5: 'MQTT-4.4.0-1' },
    'unacknowledged packet was not sent again when the session was resumed',
    'the sender has lost the state of its session: the message may be lost',
  ),
  ACKNOWLEDGED_OUT_OF_ORDER: row(
    'warning',
    { v311: 'MQTT-4.6.0-2', v5: 'MQTT-4.6.0-2' },
    'client acknowledges in another order than messages came in',
    'answer in the order of arrival, also when messages are worked on in parallel',
  ),
  ACKNOWLEDGEMENT_OF_NOTHING: row(
    'warning',
    { v311: 'MQTT-2.3.1-6', v5: 'MQTT-2.2.1-5' },
    'acknowledgement of a Packet Identifier that is not in use',
    'the exchange was over already: look for answers that are sent twice',
  ),
  SILENT_BEYOND_KEEP_ALIVE: row(
    'warning',
    { v311: 'MQTT-3.1.2-23', v5: 'MQTT-3.1.2-20' },
    'client was silent for longer than its Keep Alive',
    'the client must send PINGREQ in time: it was blocked, asleep, or the network was gone',
  ),
  TAKEOVER: row(
    'note',
    { v311: 'MQTT-3.1.4-2', v5: 'MQTT-3.1.4-3' },
    'Client Identifier was connected already: the older connection ends',
    'when this repeats, two clients share a Client Identifier: give each its own',
  ),
  OLD_CONNECTION_GOES_ON: row(
    'error',
    { v311: 'MQTT-3.1.4-2', v5: 'MQTT-3.1.4-3' },
    'server goes on with a connection that was taken over',
    'the server must close the older connection',
  ),
  SESSION_PRESENT_AFTER_CLEAN_START: row(
    'error',
    { v311: 'MQTT-3.2.2-1', v5: 'MQTT-3.2.2-2' },
    'Session Present is 1 although the client asked for a clean start',
    'the server must throw the old session away',
  ),
  SESSION_LOST: row(
    'warning',
    { v311: 'MQTT-3.2.2-2', v5: 'MQTT-3.2.2-3' },
    'Session Present is 0 although the session was to be kept',
    'the server has lost the session, or its own limit is shorter: subscriptions and queued messages are gone',
  ),
  SESSION_KEPT: row(
    'error',
    { v311: 'MQTT-3.2.2-3', v5: 'MQTT-3.2.2-3' },
    'Session Present is 1 although the session had ended',
    'the session ended with its connection and must not come back',
  ),
  WILL_DUE: row(
    'note',
    { v311: 'MQTT-3.1.2-8', v5: 'MQTT-3.1.2-8' },
    'connection ended without DISCONNECT: its will is due',
    'when the client meant to go, it has to send DISCONNECT first',
  ),
  PACKET_AFTER_DISCONNECT: row(
    'error',
    { v311: 'MQTT-3.14.4-2', v5: 'MQTT-3.14.4-1' },
    'packet after DISCONNECT from the same side',
    'DISCONNECT is the last packet of a connection',
  ),
  NOT_OFFERED: row(
    'error',
    { v311: null, v5: 'MQTT-3.2.2-11' },
    'client uses what CONNACK has ruled out',
    'the client has to look at the properties of CONNACK',
  ),
  SPARKPLUG_SEQUENCE_GAP: row(
    'warning',
    NO_STATEMENT,
    'Sparkplug sequence number is not the next one',
    'messages of the edge node were lost or are out of order: host applications will ask it for a rebirth',
  ),
  SPARKPLUG_ALIAS_UNKNOWN: row(
    'warning',
    NO_STATEMENT,
    'Sparkplug metric has an alias that no BIRTH has named',
    'the edge node has to give every alias a name in NBIRTH or DBIRTH before it uses it',
  ),
  SPARKPLUG_PAYLOAD_INVALID: row(
    'warning',
    NO_STATEMENT,
    'payload under a Sparkplug topic is no Sparkplug B',
    'topics that begin with spBv1.0/ are for Sparkplug payloads only: look at who publishes there',
  ),
} as const satisfies Record<string, FindingRow>

export type FindingName = keyof typeof findingRows

const BROKEN_RULE_ADVICE = 'the peer will close the connection: mend the sender'

/** Rules of codec/violation.ts that only a session can notice. */
export type SessionViolation =
  | 'FIRST_PACKET_NOT_CONNECT'
  | 'SECOND_CONNECT'
  | 'FIRST_PACKET_NOT_CONNACK'
  | 'SECOND_CONNACK'
  | 'RECEIVE_MAXIMUM_EXCEEDED'
  | 'TOPIC_ALIAS_ABOVE_MAXIMUM'
  | 'TOPIC_ALIAS_UNKNOWN'
  | 'PACKET_ID_IN_USE'
  | 'ACKNOWLEDGEMENT_OF_WRONG_KIND'
  | 'ACKNOWLEDGEMENT_WITHOUT_REQUEST'
  | 'SUBACK_CODE_COUNT'
  | 'QOS_NOT_SUPPORTED'
  | 'RETAIN_NOT_SUPPORTED'
  | 'PACKET_TOO_LARGE'

/** Where a finding was made. */
export type Place = Pick<InspectedPacket, 'version' | 'stream' | 'frame' | 'timeSeconds'>

/** Where a packet was, without its bytes: they would be kept alive. */
export function placeOf({ version, stream, frame, timeSeconds }: Place): Place {
  return { version, stream, frame, timeSeconds }
}

/** @param detail what exactly was met; names and numbers only, quoted where they come from the peer */
export function makeFinding(name: FindingName | SessionViolation, place: Place, detail = ''): Finding {
  const found: FindingRow =
    name in findingRows ? findingRows[name as FindingName] : brokenRule(violations[name as SessionViolation])
  const { stream, frame, timeSeconds } = place
  const statement = place.version === ProtocolVersion.V5 ? found.v5 : found.v311
  return {
    id: statement ?? name.toLowerCase().replaceAll('_', '-'),
    name,
    severity: found.severity,
    stream,
    frame,
    timeSeconds,
    message: detail === '' ? found.text : `${found.text} (${detail})`,
    advice: found.advice,
  }
}

function brokenRule({ v311, v5, text }: ViolationRow): FindingRow {
  return { severity: 'error', v311, v5, text, advice: BROKEN_RULE_ADVICE }
}
