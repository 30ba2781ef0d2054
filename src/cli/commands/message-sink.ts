import type { Client } from '../../client/client.ts'
import type { Publish } from '../../codec/packets/publish.ts'
import type { Ending } from './ending.ts'

/** Where the messages of `sub` go. */
export interface MessageSink {
  /** @param publish good for this turn only */
  take(publish: Publish): void
  /**
   * The last message was taken. Resolves when everything is done with all of them.
   * @param isStopped true: nothing more is wanted, what goes on is ended
   * @throws Failure (rejects) when something was not done with a message
   */
  finish(isStopped: boolean): Promise<void>
}

/** Who feeds a sink: a client that can be slowed down, and an ending. */
export interface SinkOwner {
  readonly ending: Ending
  /** made after the sink, and there before the first message */
  readonly client: Client
}
