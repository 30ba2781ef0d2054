import { onTestFinished } from 'vitest'
import { Client, type ClientHandler, type ClientOptions } from '../../src/client/client.ts'
import type { ClientError } from '../../src/client/client-error.ts'
import type { Address } from '../../src/transport/address.ts'

/** A Client that writes down what its handler is told; destroyed after the test. */
export class TestClient {
  readonly client: Client
  /** what happened, in one line each */
  readonly heard: string[] = []
  /** the errors of all lines, in their order */
  readonly errors: ClientError[] = []
  /** delays before attempts */
  readonly delaysMs: (number | null)[] = []
  /** settled by `closed` */
  readonly closed: Promise<ClientError | null>
  #wake: (() => void) | null = null

  constructor(address: Address, options: Partial<ClientOptions> = {}, handler: ClientHandler = {}) {
    let settle: (error: ClientError | null) => void = () => {}
    this.closed = new Promise((resolve) => (settle = resolve))
    this.client = new Client(
      { address, clientId: 'id', ...options },
      {
        message: (publish) => {
          this.#hear(`message ${publish.message.topicName} ${publish.message.payload} q${publish.qos}`)
          handler.message?.(publish)
        },
        connected: (connack, attempt) => {
          this.#hear(`connected ${attempt}${connack.sessionPresent ? ' present' : ''}`)
          handler.connected?.(connack, attempt)
        },
        connectionLost: (error, retryInMs) => {
          this.#fail('lost', error, retryInMs)
          handler.connectionLost?.(error, retryInMs)
        },
        reconnectFailed: (error, retryInMs) => {
          this.#fail('failed', error, retryInMs)
          handler.reconnectFailed?.(error, retryInMs)
        },
        resubscribed: (topicFilters, { codes }) => this.#hear(`resubscribed ${topicFilters} ${codes}`),
        drained: () => {
          this.#hear('drained')
          handler.drained?.()
        },
        versionFallback: () => this.#hear('fallback'),
        closed: (error) => {
          this.#hear(error === null ? 'closed' : `closed ${error.kind}`)
          handler.closed?.(error)
          settle(error)
        },
        ...(handler.trace === undefined ? {} : { trace: handler.trace }),
      },
    )
    onTestFinished(() => this.client.destroy())
  }

  /** Waits until a line that begins so was heard; takes it and all before it. */
  async hear(start: string): Promise<string> {
    for (;;) {
      const at = this.heard.findIndex((line) => line.startsWith(start))
      if (at >= 0) return this.heard.splice(0, at + 1)[at]!
      if (this.heard.some((line) => line.startsWith('closed'))) throw new Error(`closed without: ${start}`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  #fail(what: string, error: ClientError, retryInMs: number | null): void {
    this.errors.push(error)
    this.delaysMs.push(retryInMs)
    this.#hear(`${what} ${error.kind}${retryInMs === null ? ' for good' : ''}`)
  }

  #hear(line: string): void {
    this.heard.push(line)
    this.#wake?.()
  }
}
