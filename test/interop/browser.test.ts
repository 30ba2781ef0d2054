import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import puppeteer from 'puppeteer-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hasChromium, launchChromium } from '../support/chromium.ts'
import { findPeer } from '../support/peers.ts'
import { start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const FIREFOX = process.env['MQTT_KIT_FIREFOX'] ?? '/usr/bin/firefox-esr'
const TIMEOUT_MS = 120_000
const hasFirefox = findPeer('firefox-esr', FIREFOX, ['--version'])
const file = (path: string): Buffer => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)))
const CONTENT_TYPES: Record<string, string> = { html: 'text/html', js: 'text/javascript', css: 'text/css' }

/** The example as its README has it served: the page, and npm's mqtt beside it. @returns its URL */
async function servePage(): Promise<string> {
  const server = createServer((request, response) => {
    const name = new URL(request.url!, 'http://x').pathname.slice(1) || 'index.html'
    const contentType = CONTENT_TYPES[name.split('.').at(-1)!]
    if (contentType === undefined) {
      response.writeHead(404).end()
      return
    }
    response.setHeader('Content-Type', contentType)
    response.end(file(name === 'mqtt.min.js' ? `node_modules/mqtt/dist/${name}` : `examples/browser-chat/${name}`))
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

async function openChromium(url: string): Promise<Chat> {
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  await page.goto(url)
  return {
    sees: (text) => page.getByText(text).waitFor(),
    says: async (text) => {
      await page.getByLabel('Message').fill(text)
      await page.getByRole('button').click()
    },
    texts: (selector) => page.locator(selector).evaluateAll(textsOf),
    screenshot: (path) => page.screenshot({ path }),
    close: () => browser.close(),
  }
}

function temporaryProfile(name: string): string {
  const profile = mkdtempSync(join(tmpdir(), `mqtt-kit-${name}-`))
  onTestFinished(() => rmSync(profile, { recursive: true, force: true, maxRetries: 3 }))
  return profile
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

/** @returns URL of the page with its broker in its query */
async function serveByOthers(): Promise<string> {
  const { broker } = await startBroker({ listen: ['ws://127.0.0.1:0/mqtt'] })
  return `${await servePage()}?broker=${encodeURIComponent(broker.listeners[1]!)}`
}

async function serveByBroker(): Promise<string> {
  const program = start(['serve', '-p', '0', '--http', '0'])
  await program.says('mqtt-kit ready')
  return `${program.stdout.trim().split(' ').at(-1)}/chat/?`
}

describe.runIf(hasChromium)('two browsers', () => {
  it.each([
    ['Chromium', 'a server of files', openChromium, serveByOthers],
    [hasFirefox ? 'Firefox' : 'Chromium', 'serve --http', hasFirefox ? openFirefox : openChromium, serveByBroker],
  ] as const)(
    'Chromium and %s chat by MQTT over WebSocket on a page of %s, and a will tells that one is gone',
    async (bobName, _where, openBob, serveChat) => {
      const chat = await serveChat()
      const as = (name: string) => `${chat}&room=7&name=${name}`
      const ann = await openChromium(as('ann'))
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
        await ann.screenshot(join(pictures, `ann-and-${bobName}.png`))
        await bob.screenshot(join(pictures, `bob-${bobName}.png`))
      }
      await bob.close()
      await ann.sees('bob left')
    },
    TIMEOUT_MS,
  )
})
