import { byId } from '../element.ts'
import { PagedList } from '../paged-list.ts'
import type { Column } from '../table.ts'
import type { PageContext, View } from './view.ts'

/** A subscription, as the control interface tells of it. */
export interface SubscriptionItem {
  readonly clientId: string
  readonly connected: boolean
  readonly topicFilter: string
  readonly qos: number
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: number
  readonly subscriptionIdentifier: number
}

/** What tells a subscription but whose it is. */
export const subscriptionColumns: readonly Column<SubscriptionItem>[] = [
  { title: 'Filter', className: 'data', text: ({ topicFilter }) => topicFilter },
  { title: 'QoS', className: 'number', text: ({ qos }) => String(qos) },
  { title: 'Options', className: 'wide', text: optionsText },
]

function optionsText(item: SubscriptionItem): string {
  const { noLocal, retainAsPublished, retainHandling, subscriptionIdentifier } = item
  return [
    noLocal ? 'no local' : '',
    retainAsPublished ? 'retain as published' : '',
    retainHandling === 0 ? '' : `retain handling ${retainHandling}`,
    subscriptionIdentifier === 0 ? '' : `identifier ${subscriptionIdentifier}`,
  ]
    .filter(Boolean)
    .join(', ')
}

/** Subscriptions of all sessions. */
export class SubscriptionsView implements View {
  readonly #list: PagedList<SubscriptionItem>

  constructor({ ask, showClient }: PageContext) {
    this.#list = new PagedList<SubscriptionItem>(
      {
        caption: 'Subscriptions',
        key: ({ clientId, topicFilter }) => JSON.stringify([clientId, topicFilter]),
        columns: [
          ...subscriptionColumns,
          {
            title: 'Client',
            className: 'data',
            text: ({ clientId }) => clientId,
            click: ({ clientId }) => showClient(clientId),
          },
        ],
        fetch: (request) => ask('subscriptions', request),
      },
      'Search filter, client',
    )
    byId('subscriptions-list').append(this.#list.element)
  }

  refresh(): Promise<void> {
    return this.#list.refresh()
  }
}
