import { byId, element } from '../element.ts'
import { PagedList } from '../paged-list.ts'
import { numberText } from '../text.ts'
import type { PageContext, View } from './view.ts'

/** A session, as the control interface tells of it. */
export interface ClientItem {
  readonly clientId: string
  readonly userName: string | null
  readonly connected: boolean
  readonly remoteAddress?: string
  readonly version?: string
  readonly keepAliveSeconds?: number
  readonly connectedSeconds?: number
  readonly expiresInSeconds?: number | null
  readonly sessionExpiryIntervalSeconds: number
  readonly will: string | null
  readonly subscriptions: number
  readonly inFlight: number
  readonly messages: { readonly in: number; readonly out: number; readonly queued: number; readonly dropped: number }
}

/** Sessions, connected or not. */
export class ClientsView implements View {
  readonly #list: PagedList<ClientItem>

  constructor({ ask, showClient }: PageContext) {
    const which = element(
      'select',
      { attributes: { 'aria-label': 'Which clients' } },
      element('option', { attributes: { value: '' } }, 'all'),
      element('option', { attributes: { value: 'true' } }, 'connected'),
      element('option', { attributes: { value: 'false' } }, 'away'),
    )
    this.#list = new PagedList<ClientItem>(
      {
        caption: 'Clients',
        key: ({ clientId }) => clientId,
        columns: [
          {
            title: 'Client',
            className: 'data',
            text: ({ clientId }) => clientId,
            click: ({ clientId }) => showClient(clientId),
          },
          { title: 'User', className: 'data wide', text: ({ userName }) => userName ?? '' },
          { title: 'Where', className: 'address', text: ({ remoteAddress }) => remoteAddress ?? 'away' },
          { title: 'MQTT', className: 'wide', text: ({ version }) => version ?? '' },
          { title: 'Subscriptions', className: 'number wide', text: ({ subscriptions }) => numberText(subscriptions) },
          { title: 'Sent', className: 'number wide', text: ({ messages }) => numberText(messages.out) },
          { title: 'Queued', className: 'number', text: ({ messages }) => numberText(messages.queued) },
          { title: 'Dropped', className: 'number wide', text: ({ messages }) => numberText(messages.dropped) },
        ],
        fields: () => (which.value === '' ? {} : { connected: which.value === 'true' }),
        fetch: (request) => ask('clients', request),
      },
      'Search client, user, address',
    )
    which.addEventListener('change', () => this.#list.restart())
    this.#list.tools.append(which)
    byId('clients-list').append(this.#list.element)
  }

  refresh(): Promise<void> {
    return this.#list.refresh()
  }
}
