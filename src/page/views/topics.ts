import type { Publish } from '../../codec/packets/publish.ts'
import { button, byId, element, setText } from '../element.ts'
import { bytesText, countText, numberText, payloadText } from '../text.ts'
import { MAXIMUM_TOPICS, type TopicNode, TopicTree, type TopicValue } from '../topic-tree.ts'
import type { PageContext, View } from './view.ts'

/** Levels shown below one; more are asked for. */
const MAXIMUM_SHOWN = 200
/** Characters of a value in the tree. */
const SHOWN_VALUE_CHARACTERS = 120

/** The topics of a subscription of the page itself, as far as its user may read them, with their last values. */
export class TopicsView implements View {
  readonly #context: PageContext
  readonly #tree = new TopicTree()
  readonly #branch: Branch
  readonly #filter = byId<HTMLInputElement>('topics-filter')
  readonly #watch = byId<HTMLButtonElement>('topics-watch')
  readonly #detail: TopicDetail
  #identifier: number | null = null
  #isAsked = false
  #hasStarted = false

  constructor(context: PageContext) {
    this.#context = context
    this.#detail = new TopicDetail(context)
    this.#branch = new Branch(this.#tree.root, (value) => this.#detail.show(value.topicName))
    byId('topics-tree').append(this.#branch.element)
    byId('topics-retained').addEventListener('change', () => this.refresh())
    byId('topics-form').addEventListener('submit', (event) => {
      event.preventDefault()
      void (this.#identifier === null ? this.#start() : this.#stop())
    })
  }

  refresh(): void {
    // the first look begins to watch, and the user decides from then on
    if (!this.#hasStarted) void this.#start()
    this.#branch.refresh(byId<HTMLInputElement>('topics-retained').checked)
    this.#detail.refresh(this.#tree)
    const { topics, retained, messages } = this.#tree.root
    const { unplaced } = this.#tree
    setText(
      byId('topics-state'),
      `${countText(topics, 'topic')}, ${numberText(retained)} retained, ${countText(messages, 'message')}${this.#identifier === null ? ', not watching' : ''}`,
    )
    setText(
      byId('topics-limit'),
      unplaced === 0
        ? ''
        : `The tree holds ${numberText(MAXIMUM_TOPICS)} topics and is full: ${numberText(unplaced)} messages of others are not shown. Take a narrower filter.`,
    )
  }

  async #start(): Promise<void> {
    if (this.#isAsked) return
    this.#isAsked = this.#hasStarted = true
    this.#tree.clear()
    this.#branch.clear()
    try {
      this.#identifier = await this.#context.link.watch(this.#filter.value, 0, (publish) => this.#see(publish))
    } catch (error) {
      this.#context.tell((error as Error).message)
    }
    this.#isAsked = false
    this.#showWatching()
  }

  async #stop(): Promise<void> {
    const identifier = this.#identifier!
    this.#identifier = null
    this.#showWatching()
    await this.#context.link.unwatch(identifier)
  }

  #showWatching(): void {
    const isWatching = this.#identifier !== null
    this.#filter.readOnly = isWatching
    setText(this.#watch, isWatching ? 'Stop' : 'Watch')
    this.refresh()
  }

  #see({ message, qos }: Publish): void {
    const { topicName, payload, retain } = message
    this.#tree.see({ topicName, payload, qos, retain }, Date.now())
  }
}

/** The children of one node, of which each is made when it is seen. */
class Branch {
  readonly element = element('ul')
  readonly #node: TopicNode
  readonly #choose: (value: TopicValue) => void
  readonly #twigs = new Map<string, Twig>()
  readonly #more = button('', () => this.#showMore(), 'link')
  #limit = MAXIMUM_SHOWN
  #isRetainedOnly = false

  constructor(node: TopicNode, choose: (value: TopicValue) => void) {
    this.#node = node
    this.#choose = choose
    this.#more.hidden = true
    this.element.append(element('li', {}, this.#more))
  }

  clear(): void {
    for (const { element: shown } of this.#twigs.values()) shown.remove()
    this.#twigs.clear()
    this.#limit = MAXIMUM_SHOWN
  }

  /** @param isRetainedOnly only topics with a retained message are shown */
  refresh(isRetainedOnly: boolean): void {
    this.#isRetainedOnly = isRetainedOnly
    for (const [level, child] of this.#node.children) {
      let twig = this.#twigs.get(level)
      if (twig === undefined) {
        if (this.#twigs.size >= this.#limit) break
        twig = new Twig(child, this.#choose)
        this.element.insertBefore(twig.element, this.#placeOf(level))
        this.#twigs.set(level, twig)
      }
      twig.refresh(isRetainedOnly)
    }
    const rest = this.#node.children.size - this.#twigs.size
    this.#more.hidden = rest === 0
    setText(this.#more, `show more of ${numberText(rest)}`)
  }

  // the place in the alphabet
  #placeOf(level: string): Element {
    const later = [...this.#twigs].filter(([other]) => other > level).sort(([a], [b]) => (a < b ? -1 : 1))
    return later[0]?.[1].element ?? this.element.lastElementChild!
  }

  #showMore(): void {
    this.#limit += MAXIMUM_SHOWN
    this.refresh(this.#isRetainedOnly)
  }
}

/** One level with its value, and what is below it once it is opened. */
class Twig {
  readonly element = element('li')
  readonly #node: TopicNode
  readonly #choose: (value: TopicValue) => void
  readonly #value: HTMLButtonElement
  readonly #retained = element('span', { className: 'mark' }, 'retained')
  readonly #count = element('span', { className: 'count' })
  readonly #line: HTMLElement
  #details: HTMLDetailsElement | null = null
  #branch: Branch | null = null
  #messages = -1
  #isRetainedOnly = false

  constructor(node: TopicNode, choose: (value: TopicValue) => void) {
    this.#node = node
    this.#choose = choose
    this.#value = button('', () => this.#choose(node.value!), 'value data')
    const level = element('span', { className: 'level data' }, node.level === '' ? '(empty)' : node.level)
    this.#line = element('span', { className: 'line' }, level, this.#count, this.#retained, this.#value)
    this.element.append(this.#line)
  }

  refresh(isRetainedOnly: boolean): void {
    this.#isRetainedOnly = isRetainedOnly
    this.element.hidden = isRetainedOnly && this.#node.retained === 0
    if (this.#node.children.size > 0 && this.#details === null) this.#becomeParent()
    if (this.#node.messages !== this.#messages) this.#show()
    if (this.#details?.open) this.#branch!.refresh(isRetainedOnly)
  }

  #becomeParent(): void {
    this.#branch = new Branch(this.#node, this.#choose)
    this.#details = element('details', {}, element('summary', {}, this.#line), this.#branch.element)
    this.#details.addEventListener('toggle', () => this.refresh(this.#isRetainedOnly))
    this.element.append(this.#details)
  }

  #show(): void {
    const { value, topics, messages, children } = this.#node
    this.#messages = messages
    this.#value.hidden = value === null
    this.#retained.hidden = !value?.retained
    setText(this.#count, children.size === 0 ? '' : `${countText(topics, 'topic')}, ${countText(messages, 'message')}`)
    if (value === null) return
    const text = payloadText(value.payload.subarray(0, SHOWN_VALUE_CHARACTERS), value.payloadBytes)
    setText(this.#value, text === '' ? '(empty)' : text)
  }
}

/** One topic in full. */
class TopicDetail {
  readonly #context: PageContext
  readonly #panel = byId('topic')
  readonly #clear = byId<HTMLButtonElement>('topic-clear')
  #topicName: string | null = null

  constructor(context: PageContext) {
    this.#context = context
    this.#clear.addEventListener('click', () => void this.#clearRetained())
    byId('topic-close').addEventListener('click', () => {
      this.#topicName = null
      this.#panel.hidden = true
    })
    byId('topic-publish').addEventListener('click', () => {
      byId<HTMLInputElement>('publish-topic').value = this.#topicName ?? ''
      location.hash = '#messages'
    })
  }

  show(topicName: string): void {
    this.#topicName = topicName
    this.#panel.hidden = false
    setText(byId('topic-title'), topicName)
    setText(byId('topic-facts'), '')
  }

  refresh(tree: TopicTree): void {
    const value = this.#topicName === null ? null : (tree.find(this.#topicName)?.value ?? null)
    if (value === null) return
    const { payload, payloadBytes, qos, atMs, retained, count } = value
    const parts = [
      countText(count, 'message'),
      `QoS ${qos}`,
      bytesText(payloadBytes),
      new Date(atMs).toLocaleTimeString(),
      ...(retained ? ['retained'] : []),
    ]
    setText(byId('topic-facts'), parts.join(' · '))
    setText(byId('topic-payload'), payloadText(payload, payloadBytes, true))
    this.#clear.hidden = !retained
  }

  async #clearRetained(): Promise<void> {
    const topicName = this.#topicName!
    try {
      await this.#context.link.publish(topicName, '', 1, true)
      this.#context.tell(`Nothing is retained for ${topicName} any more.`)
    } catch (error) {
      this.#context.tell((error as Error).message)
    }
  }
}
