import type { ControlPacket } from '../codec/control-packet.ts'
import type { Message } from '../codec/message.ts'
import type { AcknowledgementType } from '../codec/packets/acknowledgement.ts'
import type { PublishHeader } from '../codec/packets/publish.ts'

/**
 * All a session can send: the port between the pure session and whatever carries its bytes. Calls come last, when the
 * session's own state is complete, so a call may lead back into any session.
 */
export interface SessionOutput {
  /** True while the peer does not read: nothing but acknowledgements is sent, see QosSender. */
  readonly full: boolean
  /**
   * @param header reused for the next packet: read it during the call only
   * @param remainingLength of the packet, as `publishRemainingLength` gives it
   */
  sendPublish(message: Message, header: PublishHeader, remainingLength: number): void
  sendAcknowledgement(packetType: AcknowledgementType, packetId: number, reasonCode: number): void
  /** The rare ones: CONNACK, SUBACK, DISCONNECT, AUTH, PINGRESP. */
  send(packet: ControlPacket): void
  /** For a Server with others to serve: has ServerSession.drained() called in the next turn. Absent: all may be sent in one. */
  comeBack?(): void
}
