import { byId, element, setText } from '../element.ts'
import { type RateName, Rates } from '../rates.ts'
import { Sparkline } from '../sparkline.ts'
import { bytesText, durationText, numberText } from '../text.ts'
import type { Overview, View } from './view.ts'

const charts: readonly (readonly [name: RateName, title: string, text: (perSecond: number) => string])[] = [
  ['messagesReceived', 'Messages in', (rate) => `${numberText(rate)}/s`],
  ['messagesSent', 'Messages out', (rate) => `${numberText(rate)}/s`],
  ['bytesReceived', 'Bytes in', (rate) => `${bytesText(rate)}/s`],
  ['bytesSent', 'Bytes out', (rate) => `${bytesText(rate)}/s`],
]

const facts: readonly (readonly [title: string, text: (overview: Overview) => string])[] = [
  [
    'Clients connected',
    ({ clientsConnected, clientsMaximum }) => `${numberText(clientsConnected)} (most ${numberText(clientsMaximum)})`,
  ],
  ['Sessions', ({ clientsTotal }) => numberText(clientsTotal)],
  [
    'Subscriptions',
    ({ subscriptions, sharedSubscriptions }) =>
      `${numberText(subscriptions)} (shared ${numberText(sharedSubscriptions)})`,
  ],
  [
    'Retained',
    ({ retainedMessages, retainedBytes }) => `${numberText(retainedMessages)} (${bytesText(retainedBytes)})`,
  ],
  ['Messages in, out', (now) => `${numberText(now.messagesReceived)}, ${numberText(now.messagesSent)}`],
  ['Messages dropped', ({ messagesDropped }) => numberText(messagesDropped)],
  ['Connections', (now) => `${numberText(now.connectionsOpened)} (refused ${numberText(now.connectionsRefused)})`],
  ['Running for', ({ uptimeSeconds }) => durationText(uptimeSeconds)],
  ['Listens on', ({ listeners }) => listeners.join('\n')],
]

/** Rates with charts, and sizes. */
export class OverviewView implements View {
  readonly #rates = new Rates()
  readonly #charts = charts.map(([name, title, text]) => {
    const value = element('strong', {}, text(0))
    const sparkline = new Sparkline()
    const most = element('span', { className: 'most' })
    const card = element('div', { className: 'card chart' }, element('h3', {}, title), value, sparkline.element, most)
    return { name, title, text, value, sparkline, most, card }
  })
  readonly #facts = facts.map(([title, text]) => ({ text, value: element('dd', { className: 'data' }), title }))

  constructor() {
    byId('charts').append(...this.#charts.map(({ card }) => card))
    byId('facts').append(
      ...this.#facts.map(({ title, value }) => element('div', { className: 'card' }, element('dt', {}, title), value)),
    )
  }

  /** Takes the next reading, whether the view is shown or not. */
  take(overview: Overview): void {
    this.#rates.add(overview)
    for (const { text, value } of this.#facts) setText(value, text(overview))
    for (const { name, title, text, value, sparkline, most } of this.#charts) {
      const points = this.#rates.of(name)
      const now = text(points.at(-1) ?? 0)
      const highest = text(Math.max(0, ...points))
      setText(value, now)
      setText(most, `most ${highest}`)
      sparkline.draw(points, `${title} in the last two minutes: now ${now}, most ${highest}`)
    }
  }

  refresh(): void {}
}
