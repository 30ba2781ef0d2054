import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import type { ConnectFields } from '../../src/codec/packets/connect.ts'
import { MAXIMUM_TOPICS } from '../../src/page/topic-tree.ts'
import { hasChromium, launchChromium } from '../support/chromium.ts'
import { start } from '../support/program.ts'
import { RawClient } from '../support/raw-client.ts'

const TIMEOUT_MS = 120_000
const HOSTILE = '<img src=x onerror=alert(1)><script>alert(2)</script>'

interface Served {
  /** `http://127.0.0.1:9100` */
  readonly http: string
  client(fields?: Partial<ConnectFields>): Promise<RawClient>
}

/** A broker with a dashboard. */
async function serve(...options: string[]): Promise<Served> {
  const program = start(['serve', '-p', '0', '--http', '0', ...options])
  await program.says('mqtt-kit ready')
  const [mqtt, http] = program.stdout.trim().split(' ').slice(2)
  return {
    http: http!,
    async client(fields) {
      const client = await RawClient.connected(mqtt!, fields)
      onTestFinished(() => void client.socket.destroy())
      return client
    },
  }
}

let browser: Browser

/** The dashboard in a browser. Fails after the test when the page had an error or alerted. */
async function openDashboard(http: string, view: string): Promise<Page> {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => {
    complaints.push(`it says ${dialog.message()}`)
    void dialog.dismiss()
  })
  onTestFinished(() => expect(complaints).toEqual([]))
  await page.goto(`${http}/#${view}`)
  return page
}

async function picture(page: Page, name: string): Promise<void> {
  const pictures = process.env['MQTT_KIT_SCREENSHOTS']
  if (pictures !== undefined) await page.screenshot({ path: join(pictures, `dashboard-${name}.png`) })
}

describe.runIf(hasChromium)('the dashboard in Chromium', () => {
  beforeAll(async () => {
    browser = await launchChromium()
  }, TIMEOUT_MS)
  afterAll(() => browser.close())

  it(
    'shows a client with its subscriptions, disconnects it with 0x98, and then shows that it is away',
    async () => {
      const { http, client } = await serve()
      const lamp = await client({
        clientId: 'lamp',
        keepAliveSeconds: 30,
        properties: { sessionExpiryIntervalSeconds: 3600 },
      })
      await lamp.subscribe([{ topicFilter: 'lamp/set/#', qos: 1 }])
      const page = await openDashboard(http, 'clients')

      await page.getByRole('button', { name: 'lamp' }).click()
      const dialog = page.getByRole('dialog', { name: 'lamp' })
      await dialog.getByRole('cell', { name: 'lamp/set/#' }).waitFor()
      await dialog.getByText('1 subscription').waitFor()
      await dialog.getByText('30 s', { exact: true }).waitFor()
      await picture(page, 'client')
      await dialog.getByRole('button', { name: 'Disconnect' }).click()

      expect(await lamp.expect(PacketType.DISCONNECT)).toMatchObject({
        reasonCode: 0x98,
        properties: { reasonString: 'disconnected from the dashboard' },
      })
      await page.getByRole('row', { name: 'lamp' }).getByRole('cell', { name: 'away' }).waitFor()
      await page.getByRole('button', { name: 'lamp' }).click()
      await dialog.getByRole('button', { name: 'End session' }).click()
      await page.getByText('The session of lamp has ended.').waitFor()
      await page.getByRole('row', { name: 'lamp' }).waitFor({ state: 'detached' })
    },
    TIMEOUT_MS,
  )

  it(
    'shows subscriptions of all clients and finds them, by mouse and by keyboard',
    async () => {
      const { http, client } = await serve()
      const other = await client({ clientId: 'other' })
      await other.subscribe(['a/b', 'c/d'])
      const page = await openDashboard(http, 'overview')
      await page.locator('#state.on').waitFor()
      await page.getByText('Clients connected').waitFor()

      await page.getByRole('link', { name: 'Subscriptions' }).focus()
      await page.keyboard.press('Enter')
      await page.getByRole('cell', { name: 'c/d' }).waitFor()
      await page.getByRole('searchbox', { name: 'Search filter, client' }).fill('a/')
      await page.getByRole('row', { name: 'c/d' }).waitFor({ state: 'detached' })

      await page.getByRole('cell', { name: 'a/b' }).waitFor()
      await page.getByText('1–1 of 1 of 3').waitFor()
    },
    TIMEOUT_MS,
  )

  it(
    'shows topics as they come with their last values, and clears a retained message',
    async () => {
      const { http, client } = await serve()
      const sensor = await client()
      await sensor.publishAndWait('home/attic', '{"celsius":21}', { qos: 1, retain: true })
      const page = await openDashboard(http, 'topics')

      await page.getByText('home', { exact: true }).waitFor()
      await sensor.publishAndWait('other', 'passing', { qos: 1 })
      await page.getByText('other', { exact: true }).waitFor()
      await page.getByLabel('Retained only').check()
      await page.getByText('other', { exact: true }).waitFor({ state: 'hidden' })
      await page.getByText('home', { exact: true }).click()
      await page.getByRole('button', { name: '{"celsius":21}' }).waitFor()
      await sensor.publishAndWait('home/attic', '{"celsius":22}', { qos: 1, retain: true })
      await page.getByRole('button', { name: '{"celsius":22}' }).click()
      await page.getByText('2 messages · QoS 0 · 14 B').waitFor()
      await picture(page, 'topic')
      await page.getByRole('button', { name: 'Clear retained' }).click()
      await page.getByText('Nothing is retained for home/attic any more.').waitFor()

      const late = await client()
      await late.subscribe('home/#')
      await late.quiet()
      await page.locator('.mark:not([hidden])').waitFor({ state: 'detached' })
    },
    TIMEOUT_MS,
  )

  it(
    'holds so many topics, and says when there are more',
    async () => {
      const { http, client } = await serve()
      const busy = await client()
      for (let topic = 0; topic < MAXIMUM_TOPICS + 3; topic++) busy.publish(`t/${topic}`, 'x', { retain: true })
      await busy.quiet()
      const page = await openDashboard(http, 'topics')

      await page.getByText('The tree holds 10,000 topics and is full: 3 messages of others are not shown.').waitFor()
      await page.getByText('t', { exact: true }).click()
      await page.getByRole('button', { name: 'show more of 9,800' }).click()
      await page.getByRole('button', { name: 'show more of 9,600' }).waitFor()
    },
    TIMEOUT_MS,
  )

  it(
    'publishes and subscribes as any client',
    async () => {
      const { http, client } = await serve()
      const listener = await client()
      await listener.subscribe({ topicFilter: 'from/page', qos: 2 })
      const page = await openDashboard(http, 'messages')
      await page.locator('#state.on').waitFor()

      await page.getByLabel('Filter', { exact: true }).fill('from/+')
      await page.getByRole('button', { name: 'Subscribe' }).click()
      await page.getByRole('button', { name: 'End the subscription to from/+' }).waitFor()
      await page.getByLabel('Topic', { exact: true }).fill('from/page')
      await page.getByLabel('Payload').fill('grüß \u{1f44b}')
      await page.getByRole('button', { name: 'Publish' }).click()

      expect(await listener.message()).toMatchObject({ topic: 'from/page', payload: 'grüß \u{1f44b}', qos: 1 })
      await listener.publishAndWait('from/other', Buffer.from([0, 255]), { qos: 1 })
      const log = page.getByRole('list', { name: 'Messages, the newest first' })
      await log.getByText('grüß \u{1f44b}').waitFor()
      await log.getByText('00 ff').waitFor()
      await page.getByRole('button', { name: 'End the subscription to from/+' }).click()
      await page.getByLabel('Topic', { exact: true }).fill('a/+')
      await page.getByRole('button', { name: 'Publish' }).click()
      await page.getByText('Topic Name holds + or #').waitFor()
    },
    TIMEOUT_MS,
  )

  it(
    'shows a hostile client, filter, topic and payload as the text they are',
    async () => {
      const { http, client } = await serve()
      const hostile = await client({ clientId: HOSTILE, userName: HOSTILE })
      await hostile.subscribe(HOSTILE)
      const [topicName] = HOSTILE.split('/')
      await hostile.publishAndWait(topicName!, HOSTILE, { qos: 1, retain: true })
      const page = await openDashboard(http, 'clients')

      await page.getByRole('button', { name: HOSTILE }).click()
      await page.getByRole('dialog', { name: HOSTILE }).getByRole('cell', { name: HOSTILE }).waitFor()
      await page.getByRole('button', { name: 'Close' }).click()
      await page.getByRole('link', { name: 'Subscriptions' }).click()
      await page.getByRole('cell', { name: HOSTILE }).first().waitFor()
      await page.getByRole('link', { name: 'Topics' }).click()
      await page.getByText(topicName!, { exact: true }).waitFor()
      await page.getByRole('button', { name: HOSTILE }).click()
      await page.getByRole('heading', { name: topicName }).waitFor()
      await page.getByRole('link', { name: 'Messages' }).click()
      await page.getByLabel('Filter', { exact: true }).fill('#')
      await page.getByRole('button', { name: 'Subscribe' }).click()
      await page.getByRole('list', { name: 'Messages, the newest first' }).getByText(HOSTILE).waitFor()

      expect(await page.locator('main img, main script').count()).toBe(0)
    },
    TIMEOUT_MS,
  )

  it(
    'asks for a user name and a password where the broker does, and says what the user may not',
    async () => {
      const { http } = await serve('--user', 'ann:secret', '--user', 'bob:secret', '--admin', 'ann')
      const page = await openDashboard(http, 'clients')
      const logIn = async (name: string, password: string) => {
        await page.getByLabel('User name').fill(name)
        await page.getByLabel('Password').fill(password)
        await page.getByRole('button', { name: 'Connect' }).click()
      }

      await page.getByRole('dialog', { name: 'Who are you?' }).waitFor()
      await logIn('ann', 'wrong')
      await page.getByText('The broker does not take this user name and password.').waitFor()
      await picture(page, 'login')
      await logIn('ann', 'secret')
      await page.getByRole('row', { name: 'dashboard-' }).getByRole('cell', { name: 'ann', exact: true }).waitFor()
      await page.reload()
      await logIn('bob', 'secret')
      await page.getByText('You may not ask about clients').waitFor()
      await picture(page, 'refusal')
      await page.getByRole('link', { name: 'Messages' }).click()
      await page.getByLabel('Topic', { exact: true }).fill('a')
      await page.getByRole('button', { name: 'Publish' }).click()
      await page.getByText('Published to a').waitFor()
    },
    TIMEOUT_MS,
  )

  it(
    'finds its way back when it was disconnected',
    async () => {
      const { http, client } = await serve()
      const page = await openDashboard(http, 'messages')
      await page.locator('#state.on').waitFor()
      await page.getByLabel('Filter', { exact: true }).fill('a')
      await page.getByRole('button', { name: 'Subscribe' }).click()
      await page.getByRole('button', { name: 'End the subscription to a' }).waitFor()
      const clientId = await page.locator('#own-id').textContent()
      const thief = await client({ clientId: clientId! })

      await thief.closed()
      await page.locator('#state.on').waitFor()
      await (await client()).publishAndWait('a', 'still here', { qos: 1 })

      await page.getByText('still here').waitFor()
    },
    TIMEOUT_MS,
  )
})
