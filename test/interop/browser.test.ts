import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import puppeteer from 'puppeteer-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findPeer } from '../support/peers.ts'
import { startBroker } from '../support/test-broker.ts'

const CHROMIUM = process.env['MQTT_KIT_CHROMIUM'] ?? '/usr/bin/chromium'
const FIREFOX = process.env['MQTT_KIT_FIREFOX'] ?? '/usr/bin/firefox-esr'
const TIMEOUT_MS = 120_000
const hasChromium = findPeer('chromium', CHROMIUM, ['--version'])
const hasFirefox = findPeer('firefox-esr', FIREFOX, ['--version'])
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

/** What a test does with the page, whichever browser shows it. */
interface Chat {
  /** Waits until the page holds this text. */
  sees(text: string): Promise<void>
  says(text: string): Promise<void>
  /** Texts of the elements that match. */
  texts(selector: string): Promise<string[]>
  screenshot(path: string): Promise<unknown>
  close(): Promise<void>
}

const textsOf = (elements: readonly { readonly textContent: string | null }[]): string[] =>
  elements.map(({ textContent }) => textContent ?? '')

function temporaryProfile(name: string): string {
  const profile = mkdtempSync(join(tmpdir(), `mqtt-kit-${name}-`))
  onTestFinished(() => rmSync(profile, { recursive: true, force: true, maxRetries: 3 }))
  return profile
}

async function openChromium(url: string): Promise<Chat> {
  const context = await chromium.launchPersistentContext(temporaryProfile('chromium'), {
    executablePath: CHROMIUM,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  })
  onTestFinished(() => context.close())
  const page = context.pages()[0] ?? (await context.newPage())
  await page.goto(url)
  return {
    sees: (text) => page.getByText(text).waitFor(),
    says: async (text) => {
      await page.getByLabel('Message').fill(text)
      await page.getByRole('button').click()
    },
    texts: (selector) => page.locator(selector).evaluateAll(textsOf),
    screenshot: (path) => page.screenshot({ path }),
    close: () => context.close(),
  }
}

// playwright drives a Firefox of its own only; this is Debian's, by WebDriver BiDi
async function openFirefox(url: string): Promise<Chat> {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    userDataDir: temporaryProfile('firefox'),
  })
  onTestFinished(() => browser.close())
  const [page = await browser.newPage()] = await browser.pages()
  await page.setViewport({ width: 800, height: 600 })
  await page.goto(url)
  return {
    sees: async (text) => {
      await page.waitForSelector(`::-p-text(${text})`)
    },
    says: async (text) => {
      await page.type('#text', text)
      await page.click('button')
    },
    texts: (selector) => page.$$eval(selector, textsOf),
    screenshot: (path) => page.screenshot({ path: path as `${string}.png` }),
    close: () => browser.close(),
  }
}

type Browser = readonly [name: string, open: (url: string) => Promise<Chat>]
const CHROME: Browser = ['Chromium', openChromium]
const FOX: Browser = ['Firefox', openFirefox]

describe.runIf(hasChromium)('two browsers', () => {
  const pairs: (readonly [Browser, Browser])[] = [[CHROME, CHROME], ...(hasFirefox ? [[CHROME, FOX] as const] : [])]
  it.each(pairs.map(([ann, bob]) => [ann[0], bob[0], ann[1], bob[1]] as const))(
    '%s and %s chat through the broker by MQTT over WebSocket, and a will tells that one is gone',
    async (annName, bobName, openAnn, openBob) => {
      const { broker } = await startBroker({ listen: ['ws://127.0.0.1:0/mqtt'] })
      const chat = await servePage()
      const as = (name: string) => `${chat}?room=7&name=${name}&broker=${encodeURIComponent(broker.listeners[1]!)}`
      const ann = await openAnn(as('ann'))
      await ann.sees('ann joined')
      const bob = await openBob(as('bob'))
      await ann.sees('bob joined')
      await bob.says('grüß dich, ann \u{1f44b}')
      await ann.sees('grüß dich, ann \u{1f44b}')
      await ann.says('hello bob')
      await bob.sees('hello bob')

      expect(await bob.texts('#messages li.own')).toEqual(['bobgrüß dich, ann \u{1f44b}'])
      expect(await ann.texts('#messages li.own')).toEqual(['annhello bob'])
      expect(await bob.texts('#state')).toEqual(['connected as bob'])
      const pictures = process.env['MQTT_KIT_SCREENSHOTS']
      if (pictures !== undefined) {
        await ann.screenshot(join(pictures, `${annName}-ann.png`))
        await bob.screenshot(join(pictures, `${bobName}-bob.png`))
      }
      await bob.close()
      await ann.sees('bob left')
    },
    TIMEOUT_MS,
  )
})
