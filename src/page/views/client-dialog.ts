import { byId, element, setText } from '../element.ts'
import type { ListPart } from '../paged-list.ts'
import { Table } from '../table.ts'
import { countText, durationText, expiryText, numberText } from '../text.ts'
import type { ClientItem } from './clients.ts'
import { type SubscriptionItem, subscriptionColumns } from './subscriptions.ts'
import type { PageContext } from './view.ts'

/** Subscriptions that are shown of one client. */
const MAXIMUM_SUBSCRIPTIONS = 100

const facts: readonly (readonly [title: string, text: (client: ClientItem) => string])[] = [
  ['User', ({ userName }) => userName ?? 'anonymous'],
  ['Address', ({ remoteAddress }) => remoteAddress ?? 'away'],
  ['MQTT', ({ version }) => version ?? ''],
  ['Connected for', ({ connectedSeconds }) => (connectedSeconds === undefined ? '' : durationText(connectedSeconds))],
  [
    'Keep alive',
    ({ keepAliveSeconds }) =>
      keepAliveSeconds === undefined ? '' : keepAliveSeconds === 0 ? 'off' : durationText(keepAliveSeconds),
  ],
  ['Session', ({ sessionExpiryIntervalSeconds }) => expiryText(sessionExpiryIntervalSeconds)],
  ['Ends in', ({ expiresInSeconds }) => (expiresInSeconds == null ? '' : durationText(expiresInSeconds))],
  ['Will', ({ will }) => will ?? ''],
  [
    'Messages',
    ({ messages }) =>
      `${numberText(messages.out)} sent, ${numberText(messages.queued)} queued, ${numberText(messages.dropped)} dropped`,
  ],
  ['In flight', ({ inFlight }) => numberText(inFlight)],
]

/** One client, its subscriptions, and how to be rid of it. */
export class ClientDialog {
  readonly #context: PageContext
  readonly #dialog = byId<HTMLDialogElement>('client')
  readonly #facts = facts.map(([title, text]) => {
    const value = element('dd', { className: 'data' })
    const row = element('div', {}, element('dt', {}, title), value)
    return { text, value, row }
  })
  readonly #table = new Table('Subscriptions of the client', subscriptionColumns, ({ topicFilter }) => topicFilter)
  readonly #disconnect = byId<HTMLButtonElement>('client-disconnect')
  #clientId = ''

  constructor(context: PageContext) {
    this.#context = context
    byId('client-facts').append(...this.#facts.map(({ row }) => row))
    byId('client-subscriptions').append(this.#table.element)
    byId('client-close').addEventListener('click', () => this.#dialog.close())
    this.#disconnect.addEventListener('click', () => void this.#end(false))
    byId('client-end').addEventListener('click', () => void this.#end(true))
  }

  get isOpen(): boolean {
    return this.#dialog.open
  }

  show(clientId: string): void {
    this.#clientId = clientId
    setText(byId('client-title'), clientId)
    void this.refresh().then(() => {
      if (!this.#dialog.open) this.#dialog.showModal()
    })
  }

  async refresh(): Promise<void> {
    const clientId = this.#clientId
    const { ask } = this.#context
    try {
      const { items } = await ask<ListPart<ClientItem>>('clients', { clientId })
      const subscriptions = await ask<ListPart<SubscriptionItem>>('subscriptions', {
        clientId,
        limit: MAXIMUM_SUBSCRIPTIONS,
      })
      if (clientId === this.#clientId) this.#fill(items[0], subscriptions)
    } catch {
      // was told
    }
  }

  #fill(client: ClientItem | undefined, { items, total }: ListPart<SubscriptionItem>): void {
    for (const { text, value, row } of this.#facts) {
      setText(value, client === undefined ? '' : text(client))
      row.hidden = value.textContent === ''
    }
    setText(byId('client-gone'), client === undefined ? 'There is no such session any more.' : '')
    this.#table.fill(items)
    this.#table.element.hidden = items.length === 0
    const rest = items.length < total ? `, ${items.length} of them here` : ''
    setText(byId('client-subscriptions-title'), `${countText(total, 'subscription')}${rest}`)
    this.#disconnect.hidden = client?.connected !== true
    byId('client-end').hidden = client === undefined
  }

  async #end(endSession: boolean): Promise<void> {
    const clientId = this.#clientId
    const { ask, tell } = this.#context
    try {
      const { sessionEnded } = await ask<{ sessionEnded: boolean }>('disconnect', {
        clientId,
        endSession,
        reason: 'disconnected from the dashboard',
      })
      tell(sessionEnded ? `The session of ${clientId} has ended.` : `${clientId} is disconnected.`)
    } catch {
      // was told
    }
    this.#dialog.close()
  }
}
