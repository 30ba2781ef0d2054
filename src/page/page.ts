/**
 * The dashboard of `serve --http`: a page that is an MQTT client of its broker by WebSocket, and all that it shows comes from there.
 * Runs in a browser; the engine's own codec, session and client are bundled with it, and browser/ stands in for what Node gives
 * them. What comes from the broker is put into the page as text only. Start here; broker-link.ts talks to the broker, views/
 * show, and what has no DOM in its name (topic-tree.ts, rates.ts, text.ts) knows no browser.
 */
import { BrokerLink } from './broker-link.ts'
import { byId, setText } from './element.ts'
import { ClientDialog } from './views/client-dialog.ts'
import { ClientsView } from './views/clients.ts'
import { MessagesView } from './views/messages.ts'
import { OverviewView } from './views/overview.ts'
import { SubscriptionsView } from './views/subscriptions.ts'
import { TopicsView } from './views/topics.ts'
import type { Overview, PageContext, View } from './views/view.ts'

/** Time between two looks at the broker, in milliseconds. */
const REFRESH_MS = 1_000
/** Time that a notice stays, in milliseconds. */
const NOTICE_MS = 6_000

const link = new BrokerLink({ state: showState, login: askForUser })
let noticeTimer: ReturnType<typeof setTimeout> | undefined

const context: PageContext = {
  link,
  ask: async (operation, request) => {
    try {
      return await link.request(operation, request)
    } catch (error) {
      if (link.isConnected) showRefusal((error as Error).message)
      throw error
    }
  },
  tell: (text) => {
    clearTimeout(noticeTimer)
    setText(byId('notice'), text)
    noticeTimer = setTimeout(() => setText(byId('notice'), ''), NOTICE_MS)
  },
  showClient: (clientId) => clientDialog.show(clientId),
}

const clientDialog = new ClientDialog(context)
const overview = new OverviewView()
const views: { readonly [name: string]: View } = {
  overview,
  clients: new ClientsView(context),
  subscriptions: new SubscriptionsView(context),
  topics: new TopicsView(context),
  messages: new MessagesView(context),
}

function currentView(): string {
  const name = location.hash.slice(1)
  return Object.hasOwn(views, name) ? name : 'overview'
}

function showCurrentView(): void {
  const current = currentView()
  for (const name of Object.keys(views)) {
    byId(`${name}-view`).hidden = name !== current
    const anchor = document.querySelector(`nav a[href="#${name}"]`)!
    if (name === current) anchor.setAttribute('aria-current', 'page')
    else anchor.removeAttribute('aria-current')
  }
  if (link.isConnected) void views[current]!.refresh()
}

function showState(isConnected: boolean, text: string): void {
  const state = byId('state')
  state.classList.toggle('on', isConnected)
  setText(state, text)
  if (!isConnected) return
  byId<HTMLDialogElement>('login').close()
  setText(byId('own-id'), link.clientId)
  void look()
}

function showRefusal(text: string): void {
  setText(byId('refusal'), text)
  byId('refusal').hidden = text === ''
}

function askForUser(why: string): void {
  setText(byId('login-why'), why)
  const dialog = byId<HTMLDialogElement>('login')
  if (!dialog.open) dialog.showModal()
}

byId('login-form').addEventListener('submit', (event) => {
  event.preventDefault()
  link.logIn(byId<HTMLInputElement>('login-user').value, byId<HTMLInputElement>('login-password').value)
})

// A page that nobody sees asks for nothing.
async function look(): Promise<void> {
  if (!link.isConnected || document.visibilityState === 'hidden') return
  try {
    const now = await context.ask<Overview>('overview')
    showRefusal('')
    setText(byId('version'), now.version)
    overview.take(now)
  } catch {
    // was told
  }
  if (!link.isConnected) return
  await Promise.all([views[currentView()]!.refresh(), clientDialog.isOpen ? clientDialog.refresh() : null])
}

async function lookAgainAndAgain(): Promise<void> {
  await look()
  setTimeout(() => void lookAgainAndAgain(), REFRESH_MS)
}

addEventListener('hashchange', showCurrentView)
showCurrentView()
void link.open()
void lookAgainAndAgain()
