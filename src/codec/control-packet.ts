import type { Acknowledgement } from './packets/acknowledgement.ts'
import type { Auth } from './packets/auth.ts'
import type { Connack } from './packets/connack.ts'
import type { Connect } from './packets/connect.ts'
import type { Disconnect } from './packets/disconnect.ts'
import type { Pingreq, Pingresp } from './packets/ping.ts'
import type { Publish } from './packets/publish.ts'
import type { Suback } from './packets/suback.ts'
import type { Subscribe } from './packets/subscribe.ts'
import type { Unsuback } from './packets/unsuback.ts'
import type { Unsubscribe } from './packets/unsubscribe.ts'

/** Every packet but PUBLISH; told apart by `packetType`. */
export type ControlPacket =
  | Connect
  | Connack
  | Acknowledgement
  | Subscribe
  | Suback
  | Unsubscribe
  | Unsuback
  | Pingreq
  | Pingresp
  | Disconnect
  | Auth

/** Any packet. */
export type AnyPacket = ControlPacket | Publish
