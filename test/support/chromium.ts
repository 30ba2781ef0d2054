import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { findPeer } from './peers.ts'

const CHROMIUM = process.env['MQTT_KIT_CHROMIUM'] ?? '/usr/bin/chromium'

/** Is it installed? A skip prints its reason. */
export const hasChromium = findPeer('chromium', CHROMIUM, ['--version'])

/** A folder for one test. */
export function temporaryProfile(name: string): string {
  const profile = mkdtempSync(join(tmpdir(), `mqtt-kit-${name}-`))
  onTestFinished(() => rmSync(profile, { recursive: true, force: true, maxRetries: 3 }))
  return profile
}

/** An empty page in a browser of its own, closed after the test. */
export async function chromiumPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await chromium.launchPersistentContext(temporaryProfile('chromium'), {
    executablePath: CHROMIUM,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
    ...options,
  })
  onTestFinished(() => context.close())
  return context.pages()[0] ?? context.newPage()
}
