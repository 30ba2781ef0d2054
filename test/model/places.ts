import { encode } from './encode.ts'
import type { Connection, Delivery, Message, Session, SharedChoice } from './model-state.ts'
import type { Properties, QoS } from './wire.ts'

/** Does a PUBLISH keep to the Maximum Packet Size of its client? A Topic Alias, which the broker may use or not, can decide. */
export const Size = { FITS: 0, UNCLEAR: 1, TOO_LARGE: 2 } as const
export type Size = (typeof Size)[keyof typeof Size]

const ALIAS_BYTES = 3

export function sizeFor(connection: Connection, message: Message, qos: QoS, identifiers: readonly number[]): Size {
  const { maximumPacketBytes, topicAliasMaximum, version } = connection
  if (maximumPacketBytes === Number.POSITIVE_INFINITY) return Size.FITS
  const { topic, payload } = message
  const given = identifiers.filter((identifier) => identifier !== 0)
  const properties: Properties = {
    ...message.properties,
    ...(given.length > 0 ? { subscriptionIdentifiers: given } : {}),
  }
  const bytes = encode(
    { type: 'PUBLISH', topic, payload, qos, dup: false, retain: false, id: 1, properties },
    version,
  ).length
  const smallest = topicAliasMaximum === 0 ? bytes : Math.min(bytes, bytes + ALIAS_BYTES - Buffer.byteLength(topic))
  // a length that needs one byte more
  const largest = topicAliasMaximum === 0 ? bytes : bytes + ALIAS_BYTES + 2
  if (largest <= maximumPacketBytes) return Size.FITS
  return smallest - 2 > maximumPacketBytes || (topicAliasMaximum === 0 && bytes > maximumPacketBytes)
    ? Size.TOO_LARGE
    : Size.UNCLEAR
}

/** Places of the Receive Maximum that are taken on the present connection. */
export function slotsHeld(session: Session): number {
  return session.deliveries.filter(({ holdsSlot }) => holdsSlot).length
}

/** The same, with those that what has to be sent again will take. */
export function slotsInUse(session: Session): number {
  return session.deliveries.filter(
    ({ holdsSlot, state, sentOn }) => holdsSlot || (state === 'sent' && sentOn !== session.connection),
  ).length
}

/** The delivery is over, by an acknowledgement or by right: expired, too large, its session gone. */
export function giveUp(delivery: Delivery): void {
  takeOut(delivery)
  if (delivery.choice === null) return
  delivery.choice.places.delete(delivery)
  delivery.choice.mayBeLost = true
}

/** The delivery may have been dropped by right, and nobody saw whether it was. */
export function isPerhapsLost(delivery: Delivery): void {
  delivery.choice ??= { places: new Set([delivery]), mayBeLost: true }
  delivery.choice.mayBeLost = true
}

/** Of all places where the message of a Shared Subscription may be, it is here. */
export function isHere(delivery: Delivery): void {
  const { choice } = delivery
  if (choice === null) return
  for (const other of choice.places) {
    other.choice = null
    if (other !== delivery) takeOut(other)
  }
  choice.places.clear()
}

/** It is not here. @returns false when no place is left where it may be */
export function isNotHere(delivery: Delivery): boolean {
  const choice = delivery.choice!
  takeOut(delivery)
  choice.places.delete(delivery)
  settleChoice(choice)
  return choice.places.size > 0 || choice.mayBeLost
}

/** With one place left the message is there for sure. */
export function settleChoice(choice: SharedChoice): void {
  if (choice.places.size !== 1 || choice.mayBeLost) return
  for (const delivery of choice.places) delivery.choice = null
}

function takeOut(delivery: Delivery): void {
  const index = delivery.home.indexOf(delivery)
  if (index >= 0) delivery.home.splice(index, 1)
}
