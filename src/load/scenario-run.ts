/** Which part of a generator this is. */
export interface PartPlace {
  readonly part: number
  /** how many there are */
  readonly parts: number
}

/** What a running scenario tells its part. */
export interface ScenarioOwner {
  /** Nothing more will be sent; what is on its way may still come. Once. */
  published(): void
}

/** One part of one scenario. */
export interface ScenarioRun {
  /** Makes the connections and subscriptions; failures are in the tally. */
  connect(): Promise<void>
  /** Begins at this moment of the clock of the run, microseconds. */
  start(startUs: number): void
  /** Sends nothing more; `published` follows. */
  stop(): void
  /** QoS 1 and 2 messages without their last acknowledgement. */
  readonly unacknowledged: number
  /** deliveries that must still come here, beyond what other parts send; null: count what was published */
  readonly expected: number | null
  /** spent in turns of the event loop that only waited for the moment to send, milliseconds */
  readonly idleMs: number
  /** steps that were timed on their own */
  readonly steps: readonly LoadStep[]
  /** Ends all connections. */
  close(): Promise<void>
}

/** A step of a scenario that has several: storing and reading retained messages, for example. */
export interface LoadStep {
  readonly name: string
  readonly count: number
  readonly seconds: number
}
