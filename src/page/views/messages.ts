import type { Publish } from '../../codec/packets/publish.ts'
import type { QoS } from '../../codec/qos.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import { button, byId, element } from '../element.ts'
import { payloadText } from '../text.ts'
import type { PageContext, View } from './view.ts'

/** Messages that are shown, the newest first. */
const MAXIMUM_MESSAGES = 200
/** Bytes of a payload that are shown. */
const MAXIMUM_PAYLOAD_BYTES = 4096
/** Own subscriptions at once. */
const MAXIMUM_SUBSCRIPTIONS = 50

/** Publishing, and subscribing as any client does. */
export class MessagesView implements View {
  readonly #context: PageContext
  readonly #log = byId('messages-log')
  readonly #subscriptions = byId('own-subscriptions')
  /** came since the last look; a page that is not looked at does not grow */
  #fresh: HTMLElement[] = []

  constructor(context: PageContext) {
    this.#context = context
    byId('publish-form').addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#publish()
    })
    byId('subscribe-form').addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#subscribe()
    })
    byId('messages-clear').addEventListener('click', () => this.#log.replaceChildren())
  }

  refresh(): void {
    this.#log.prepend(...this.#fresh.reverse())
    this.#fresh = []
    while (this.#log.children.length > MAXIMUM_MESSAGES) this.#log.lastElementChild!.remove()
  }

  async #publish(): Promise<void> {
    const topicName = byId<HTMLInputElement>('publish-topic').value
    const payload = byId<HTMLTextAreaElement>('publish-payload').value
    const qos = Number(byId<HTMLSelectElement>('publish-qos').value) as QoS
    const retain = byId<HTMLInputElement>('publish-retain').checked
    await this.#try(async () => {
      const reasonCode = await this.#context.link.publish(topicName, payload, qos, retain)
      const isAlone = reasonCode === ReasonCode.NO_MATCHING_SUBSCRIBERS
      this.#context.tell(`Published to ${topicName}${isAlone ? '; nobody has subscribed' : ''}.`)
    })
  }

  async #subscribe(): Promise<void> {
    const filter = byId<HTMLInputElement>('subscribe-filter').value
    const qos = Number(byId<HTMLSelectElement>('subscribe-qos').value) as QoS
    if (this.#subscriptions.children.length >= MAXIMUM_SUBSCRIPTIONS) {
      this.#context.tell(`There are ${MAXIMUM_SUBSCRIPTIONS} subscriptions: end one of them.`)
      return
    }
    await this.#try(async () => {
      const identifier = await this.#context.link.watch(filter, qos, (publish) => this.#received(publish))
      const end = button(`${filter} ×`, () => {
        item.remove()
        void this.#context.link.unwatch(identifier)
      })
      end.setAttribute('aria-label', `End the subscription to ${filter}`)
      const item = element('li', {}, end)
      this.#subscriptions.append(item)
    })
  }

  #received({ message, qos }: Publish): void {
    const { topicName, payload, retain } = message
    const notes = `${new Date().toLocaleTimeString()} · QoS ${qos}${retain ? ' · retained' : ''}`
    const text = payloadText(payload.subarray(0, MAXIMUM_PAYLOAD_BYTES), payload.length)
    const head = element(
      'div',
      { className: 'head' },
      element('b', { className: 'data' }, topicName),
      element('small', {}, notes),
    )
    this.#fresh.push(element('li', {}, head, element('pre', { className: 'data' }, text)))
    if (this.#fresh.length > MAXIMUM_MESSAGES) this.#fresh.shift()
  }

  async #try(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.#context.tell((error as Error).message)
    }
  }
}
