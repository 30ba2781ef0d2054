// Draws docs/dashboard.png, the picture of the README: the dashboard of `serve --http` in Chromium, with clients that do something.
// usage: npm run build && node scripts/dashboard-picture.mjs [FOLDER]; with a folder every view at 400 and 1400 px, light and dark
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as passed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import mqtt from 'mqtt'
import { chromium } from 'playwright-core'

const PROGRAM = fileURLToPath(new URL('../bin/mqtt-kit.cjs', import.meta.url))
const PICTURE = fileURLToPath(new URL('../docs/dashboard.png', import.meta.url))
const CHROMIUM = process.env['MQTT_KIT_CHROMIUM'] ?? '/usr/bin/chromium'
const ROOMS = ['kitchen', 'hall', 'cellar', 'attic']
/** Time in which charts get a line. */
const WATCHED_MS = 20_000
const PICTURE_WATCHED_MS = 120_000
const VIEWS = ['overview', 'clients', 'subscriptions', 'topics', 'messages']
const [folder] = process.argv.slice(2)

const broker = spawn(process.execPath, [PROGRAM, 'serve', '-p', '0', '--http', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [ready] = await once(broker.stdout, 'data')
const [url, page] = String(ready).trim().split(' ').slice(2)
const clients = ROOMS.map((room) => mqtt.connect(String(url), { clientId: `sensor-${room}`, protocolVersion: 5 }))
const heating = mqtt.connect(String(url), { clientId: 'heating', protocolVersion: 5 })
await Promise.all([...clients, heating].map((client) => new Promise((resolve) => client.once('connect', resolve))))
await heating.subscribeAsync(['home/+/temperature', 'home/+/window', 'alerts/#'], { qos: 1 })
let count = 0
const timer = setInterval(() => {
  count++
  for (const [index, client] of clients.entries()) {
    const room = ROOMS[index]
    const celsius = 20 + index + Math.sin(count / 8 + index)
    client.publish(`home/${room}/temperature`, JSON.stringify({ celsius: Number(celsius.toFixed(2)) }), {
      retain: true,
    })
    if (Math.sin(count / 60) * 5 + 5 > count % 10)
      client.publish(`home/${room}/window`, count % 20 < 10 ? 'open' : 'closed', { qos: 1, retain: true })
  }
}, 100)

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
try {
  if (folder === undefined) await draw(PICTURE, 'overview', 1000, 'light', 560)
  else await drawAll(folder)
} finally {
  clearInterval(timer)
  await browser.close()
  for (const client of [...clients, heating]) client.end(true)
  broker.kill()
}

/** @param {string} to a folder */
async function drawAll(to) {
  for (const width of [400, 1400]) {
    for (const scheme of /** @type {const} */ (['light', 'dark'])) {
      await Promise.all(VIEWS.map((view) => draw(`${to}/${view}-${width}-${scheme}.png`, view, width, scheme, 900)))
    }
  }
}

/**
 * @param {string} path
 * @param {string} view
 * @param {number} width in pixels
 * @param {'light' | 'dark'} colorScheme
 * @param {number} height in pixels
 */
async function draw(path, view, width, colorScheme, height) {
  const shown = await browser.newPage({ viewport: { width, height }, colorScheme })
  shown.on('console', (message) => console.error(message.text()))
  shown.on('pageerror', (error) => console.error(error))
  await shown.goto(`${page}/#${view}`)
  await shown.locator('#state.on').waitFor()
  if (view === 'topics') {
    await shown.getByText('home', { exact: true }).click()
    await shown.getByText('kitchen', { exact: true }).click()
    await shown.getByText('celsius').first().click()
  }
  if (view === 'messages') {
    await shown.getByLabel('Filter', { exact: true }).fill('home/+/window')
    await shown.getByRole('button', { name: 'Subscribe' }).click()
    await shown.getByLabel('Topic', { exact: true }).fill('alerts/attic')
    await shown.getByLabel('Payload').fill('{"level":"high"}')
    await shown.getByRole('button', { name: 'Publish' }).click()
  }
  await passed(path === PICTURE ? PICTURE_WATCHED_MS : view === 'overview' ? WATCHED_MS : 2_500)
  await shown.screenshot({ path })
  await shown.close()
}
