import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findPeer } from '../support/peers.ts'
import { startBroker } from '../support/test-broker.ts'

const CHROMIUM = process.env['MQTT_KIT_CHROMIUM'] ?? '/usr/bin/chromium'
const TIMEOUT_MS = 60_000
const hasChromium = findPeer('chromium', CHROMIUM, ['--version'])
const file = (path: string): Buffer => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)))

/** The example as its README has it served: the page, and npm's mqtt beside it. @returns its URL */
async function servePage(): Promise<string> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/mqtt.min.js'
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    response.end(file(isScript ? 'node_modules/mqtt/dist/mqtt.min.js' : 'examples/browser-chat/index.html'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** A browser of its own, with its own profile. */
async function openBrowser(url: string): Promise<Page> {
  const profile = mkdtempSync(join(tmpdir(), 'mqtt-kit-chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  })
  onTestFinished(async () => {
    await context.close()
    rmSync(profile, { recursive: true, force: true })
  })
  const page = context.pages()[0] ?? (await context.newPage())
  await page.goto(url)
  return page
}

describe.runIf(hasChromium)('two browsers', () => {
  it(
    'chat through the broker by MQTT over WebSocket, and a will tells that one is gone',
    async () => {
      const { broker } = await startBroker({ listen: ['ws://127.0.0.1:0/mqtt'] })
      const chat = await servePage()
      const as = (name: string) => `${chat}?room=7&name=${name}&broker=${encodeURIComponent(broker.listeners[1]!)}`
      const ann = await openBrowser(as('ann'))
      await ann.getByText('ann joined').waitFor()
      const bob = await openBrowser(as('bob'))
      await ann.getByText('bob joined').waitFor()
      await bob.getByLabel('Message').fill('grüß dich, ann \u{1f44b}')
      await bob.getByRole('button').click()
      await ann.getByText('grüß dich, ann \u{1f44b}').waitFor()
      await ann.getByLabel('Message').fill('hello bob')
      await ann.getByRole('button').click()
      await bob.getByText('hello bob').waitFor()

      expect(await bob.locator('#messages li.own').allTextContents()).toEqual(['bobgrüß dich, ann \u{1f44b}'])
      expect(await bob.locator('#state').textContent()).toBe('connected as bob')
      const picture = process.env['MQTT_KIT_SCREENSHOT']
      if (picture !== undefined) await ann.screenshot({ path: picture })
      await bob.close()
      await ann.getByText('bob left').waitFor()
    },
    TIMEOUT_MS,
  )
})
