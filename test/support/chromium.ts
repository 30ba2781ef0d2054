import { type Browser, chromium } from 'playwright-core'
import { findPeer } from './peers.ts'

const CHROMIUM = process.env['MQTT_KIT_CHROMIUM'] ?? '/usr/bin/chromium'

/** Is it installed? A skip prints its reason. */
export const hasChromium = findPeer('chromium', CHROMIUM, ['--version'])

/** A Chromium with an empty profile of its own; whoever starts it closes it. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
  })
}
