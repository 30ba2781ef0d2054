import type { BrokerLink } from '../broker-link.ts'

/** Sizes and counters of the broker: docs/control.md. */
export interface Overview {
  readonly version: string
  readonly uptimeSeconds: number
  readonly clientsConnected: number
  readonly clientsTotal: number
  readonly clientsMaximum: number
  readonly subscriptions: number
  readonly sharedSubscriptions: number
  readonly retainedMessages: number
  readonly retainedBytes: number
  readonly messagesReceived: number
  readonly messagesSent: number
  readonly messagesDropped: number
  readonly bytesReceived: number
  readonly bytesSent: number
  readonly connectionsOpened: number
  readonly connectionsRefused: number
  readonly listeners: readonly string[]
}

/** What a view may use of the page. */
export interface PageContext {
  readonly link: BrokerLink
  /** Asks the control interface; what goes wrong is shown, and thrown on. */
  ask<Answer>(operation: string, request?: object): Promise<Answer>
  /** Tells something at the bottom of the page, for a while. */
  tell(text: string): void
  /** Shows one client and what may be done to it. */
  showClient(clientId: string): void
}

/** One part of the page, shown when its link is followed. */
export interface View {
  /** Is called about once a second while it is shown and there is a connection, and when it is opened. */
  refresh(): void | Promise<void>
}
