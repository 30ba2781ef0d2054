/** Subprotocols of MQTT over WebSocket: `mqtt` [MQTT-6.0.0-3, MQTT-6.0.0-4], and what clients of MQTT 3.1 ask for (V31-17). */
export type Subprotocol = 'mqtt' | 'mqttv3.1'

/** What a client asks for in its upgrade. */
export interface WebSocketOffer {
  readonly subprotocol: Subprotocol
  /** bytes of a whole message of the Server, in however many frames */
  readonly maximumMessageBytes: number
}

/** What a WebSocket listener asks of those who come. */
export interface WebSocketTerms {
  /** path of the URL, without its query */
  readonly path: string
  /** values of the Origin header that browsers may come with; null for any */
  readonly origins: readonly string[] | null
  /** bytes of a whole message of a Client, in however many frames */
  readonly maximumMessageBytes: number
}

/** A packet with the largest Remaining Length and its fixed header fit. */
const LARGEST_MESSAGE_BYTES = 268_435_460

/** For who does not say. */
export const DEFAULT_OFFER: WebSocketOffer = { subprotocol: 'mqtt', maximumMessageBytes: LARGEST_MESSAGE_BYTES }

/** For who does not say. */
export const DEFAULT_TERMS: Omit<WebSocketTerms, 'path'> = { origins: null, maximumMessageBytes: LARGEST_MESSAGE_BYTES }
