import { Client } from '../client/client.ts'
import { ClientError, ClientErrorKind } from '../client/client-error.ts'
import type { Publish } from '../codec/packets/publish.ts'
import type { QoS } from '../codec/qos.ts'
import { formatReasonCode, ReasonCode } from '../codec/reason-code.ts'
import { matches } from '../topic/topic-filter.ts'

/** Time that an answer may take, in milliseconds. */
const ANSWER_TIMEOUT_MS = 10_000
/** Time before a lost connection is tried again, in milliseconds. */
const RETRY_MS = 2_000

/** What the link tells the page. */
export interface LinkListener {
  /** @param text for people */
  state(isConnected: boolean, text: string): void
  /** The broker wants to know who this is. @param why empty at first */
  login(why: string): void
}

/** What a message came for. @param publish its payload is good for this turn only */
export type MessageListener = (publish: Publish) => void

interface Watched {
  readonly filter: string
  readonly qos: QoS
  readonly identifier: number
  readonly listener: MessageListener
}

interface Waiting {
  readonly resolve: (answer: never) => void
  readonly reject: (error: Error) => void
  readonly timer: ReturnType<typeof setTimeout>
}

/** The page's connection to its broker: an ordinary client, requests to the control interface, and subscriptions that outlast connections. */
export class BrokerLink {
  readonly #listener: LinkListener
  readonly #clientId = `dashboard-${crypto.getRandomValues(new Uint32Array(1))[0]!.toString(36)}`
  readonly #responseTopic = `$CONTROL/broker/response/${this.#clientId}`
  readonly #waiting = new Map<string, Waiting>()
  readonly #watched = new Map<number, Watched>()
  #client: Client | null = null
  #credentials: { readonly userName: string; readonly password: string } | null = null
  #requests = 0
  #identifiers = 1

  constructor(listener: LinkListener) {
    this.#listener = listener
  }

  get clientId(): string {
    return this.#clientId
  }

  get isConnected(): boolean {
    return this.#client !== null
  }

  logIn(userName: string, password: string): void {
    this.#credentials = { userName, password }
    void this.open()
  }

  /** Connects, and again whenever the connection is lost. */
  async open(): Promise<void> {
    const { protocol, hostname, port } = location
    const isSecure = protocol === 'https:'
    const credentials = this.#credentials
    const client = new Client(
      {
        address: {
          scheme: isSecure ? 'wss' : 'ws',
          host: hostname.replace(/^\[(.*)\]$/, '$1'),
          port: port === '' ? (isSecure ? 443 : 80) : Number(port),
          path: '/mqtt',
        },
        clientId: this.#clientId,
        keepAliveSeconds: 30,
        ...(credentials === null
          ? {}
          : { userName: credentials.userName, password: Buffer.from(credentials.password) }),
      },
      { message: (publish) => this.#received(publish), closed: (error) => this.#closed(error) },
    )
    try {
      await client.connect()
    } catch {
      // told by closed
      return
    }
    this.#client = client
    try {
      await client.subscribe([request(this.#responseTopic, 1)])
      for (const one of this.#watched.values()) await this.#subscribe(client, one)
    } catch {
      // the connection is gone again, and closed has told
      return
    }
    this.#listener.state(true, 'connected')
  }

  #closed(error: ClientError | null): void {
    this.#client = null
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(new Error('the connection was lost'))
    }
    this.#waiting.clear()
    const text = error?.message ?? 'disconnected'
    this.#listener.state(false, text)
    const { kind, reasonCode } = error ?? {}
    if (kind === ClientErrorKind.CONNECT_REFUSED && isAboutUser(reasonCode)) {
      this.#listener.login(this.#credentials === null ? '' : 'The broker does not take this user name and password.')
      return
    }
    setTimeout(() => void this.open(), RETRY_MS)
  }

  /**
   * Asks the control interface.
   * @throws Error (rejects) with what the broker answered, or when it does not
   */
  async request<Answer>(operation: string, request: object = {}): Promise<Answer> {
    const client = this.#connected()
    const id = String(++this.#requests)
    const answer = new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(id, new Error('the broker does not answer')), ANSWER_TIMEOUT_MS)
      this.#waiting.set(id, { resolve: resolve as (answer: never) => void, reject, timer })
    })
    const properties = { responseTopic: this.#responseTopic, correlationData: Buffer.from(id) }
    client
      .publish(`$CONTROL/broker/${operation}`, JSON.stringify(request), { qos: 1, properties })
      .then(({ reasonCode }) => {
        if (reasonCode === ReasonCode.NO_MATCHING_SUBSCRIBERS) this.#giveUp(id, notAllowed())
      })
      .catch((error: unknown) => this.#giveUp(id, refusal(error)))
    return answer
  }

  #giveUp(id: string, error: Error): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    clearTimeout(waiting.timer)
    this.#waiting.delete(id)
    waiting.reject(error)
  }

  /** @returns 0x00, or 0x10: nobody has subscribed. @throws Error (rejects) saying why the broker does not take it */
  async publish(topicName: string, payload: string, qos: QoS, retain: boolean): Promise<number> {
    const { reasonCode } = await this.#connected().publish(topicName, payload, { qos, retain })
    return reasonCode
  }

  /**
   * Subscribes, now and after each reconnection.
   * @returns for {@link unwatch}
   * @throws Error (rejects) saying why the broker does not grant it
   */
  async watch(filter: string, qos: QoS, listener: MessageListener): Promise<number> {
    const client = this.#connected()
    const watched = { filter, qos, identifier: ++this.#identifiers, listener }
    this.#watched.set(watched.identifier, watched)
    try {
      const code = await this.#subscribe(client, watched)
      if (code >= 0x80) throw new Error(`the broker refuses ${filter}: ${formatReasonCode(code)}`)
    } catch (error) {
      this.#watched.delete(watched.identifier)
      throw error
    }
    return watched.identifier
  }

  /** Ends a subscription. */
  async unwatch(identifier: number): Promise<void> {
    const watched = this.#watched.get(identifier)
    this.#watched.delete(identifier)
    if (watched === undefined || this.#client === null) return
    const others = [...this.#watched.values()].filter(({ filter }) => filter === watched.filter)
    // one filter is one subscription, whoever wants it
    if (others.length > 0) await this.#subscribe(this.#client, others[0]!)
    else await this.#client.unsubscribe([watched.filter])
  }

  async #subscribe(client: Client, { filter, qos, identifier }: Watched): Promise<number> {
    const asked = [request(filter, qos)]
    const { codes } = await client.subscribe(asked, { subscriptionIdentifiers: [identifier] })
    if (codes[0] !== ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED) return codes[0]!
    return (await client.subscribe(asked)).codes[0]!
  }

  #received(publish: Publish): void {
    const { message, subscriptionIdentifiers } = publish
    if (message.topicName === this.#responseTopic) this.#answered(publish)
    for (const { filter, identifier, listener } of [...this.#watched.values()]) {
      const isFor =
        subscriptionIdentifiers === null
          ? matches(filter, message.topicName)
          : subscriptionIdentifiers.includes(identifier)
      if (isFor) listener(publish)
    }
  }

  #answered({ message }: Publish): void {
    const id = message.properties.correlationData?.toString() ?? ''
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    clearTimeout(waiting.timer)
    this.#waiting.delete(id)
    const answer = JSON.parse(message.payload.toString()) as { readonly error?: string }
    if (answer.error === undefined) waiting.resolve(answer as never)
    else waiting.reject(new Error(answer.error))
  }

  #connected(): Client {
    if (this.#client === null) throw new Error('there is no connection to the broker')
    return this.#client
  }
}

function request(topicFilter: string, qos: QoS) {
  // as published, so that the page sees what is retained from now on
  return { topicFilter, qos, noLocal: false, retainAsPublished: true, retainHandling: 0 as const }
}

function isAboutUser(reasonCode: number | null | undefined): boolean {
  return reasonCode === ReasonCode.BAD_USER_NAME_OR_PASSWORD || reasonCode === ReasonCode.NOT_AUTHORIZED
}

function notAllowed(): Error {
  return new Error(
    'You may not ask about clients: that takes --admin, a line of the ACL, or a connection from the same machine',
  )
}

function refusal(error: unknown): Error {
  if (!(error instanceof ClientError)) return error as Error
  return error.reasonCode === ReasonCode.NOT_AUTHORIZED ? notAllowed() : error
}
