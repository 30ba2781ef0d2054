import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from './options/parse.ts'

/** What is put before the arguments under each name of mosquitto, so that they mean there what they mean here. */
const defaults: Readonly<Record<string, readonly string[]>> = {
  pub: ['-V', 'mqttv311'],
  sub: ['-V', 'mqttv311', '--mosquitto-output'],
  rr: ['--mosquitto-output'],
}

/**
 * The arguments of mqtt-kit when it is called by the name of one of mosquitto's clients, as through a link.
 * @param name what the program was called: `mosquitto_sub`
 * @returns null for every other name
 */
export function asMosquitto(name: string, argv: readonly string[], environment: Environment): string[] | null {
  const [, command = ''] = /^mosquitto_(pub|sub|rr)$/.exec(name) ?? []
  const before = defaults[command]
  return before === undefined ? null : [command, ...before, ...configured(name, environment), ...argv]
}

/** Options from the file in which mosquitto's clients keep them: one per line, `#` before what is none. */
function configured(name: string, { XDG_CONFIG_HOME: folder, HOME: home }: Environment): string[] {
  const path = folder !== undefined ? join(folder, name) : home !== undefined ? join(home, '.config', name) : null
  if (path === null) return []
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return [] // hardly anybody has one
  }
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.flatMap((line) => {
    const [option = '', ...words] = line.trimEnd().split(' ')
    return /^(-D|--property)$/.test(option) || words.length === 0 ? [option, ...words] : [option, words.join(' ')]
  })
}
