import { environmentName, type OptionRows, shortestName } from '../options/option-row.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { serveRows } from '../options/serve.ts'
import { listenerRows } from './listener-settings.ts'
import type { ServeConfiguration } from './serve-configuration.ts'
import { type Setting, settingText } from './setting.ts'
import { type Shown, shownSettings, shownText, withoutSecrets } from './shown-settings.ts'

const rows: OptionRows = serveRows

/** What --show-config of `serve` prints: each value with where it comes from, then the listeners of the file. */
export function shownBroker(
  parsed: Parsed<typeof serveRows>,
  { settings, listeners }: Pick<ServeConfiguration, 'settings' | 'listeners'>,
): string {
  const path = merged(parsed).config ?? ''
  const values = shownSettings(rows, [
    fromFile(settings, rows, path),
    { texts: parsed.texts.environment, originOf: environmentName },
    { texts: parsed.texts.flags, originOf: (key) => shortestName(key, rows[key]!) },
  ])
  // other listeners take the place of the one that is there by default
  const isDefault = values.get('port')?.origin === 'default' && values.get('host')?.origin === 'default'
  if (isDefault && (values.has('listen') || listeners.length > 0)) values.delete('port')
  const ofListeners = listeners.flatMap(({ url, settings: own }): Shown[] => {
    const found = shownSettings(withoutDefaults(listenerRows), [fromFile(own, listenerRows, path)])
    const name = `listener ${withoutSecrets(url)}`
    return [{ name, value: '', origin: path }, ...[...found.values()].map((one) => ({ ...one, name: `  ${one.name}` }))]
  })
  return shownText([...values.values(), ...ofListeners])
}

function fromFile(settings: readonly Setting[], all: OptionRows, path: string) {
  const texts: Record<string, string[]> = {}
  const lines = new Map<string, number>()
  for (const setting of settings) {
    const { key, position } = setting
    texts[key] = [...(texts[key] ?? []), settingText(setting, all[key]!, path)]
    if (!lines.has(key)) lines.set(key, position.line)
  }
  return { texts, originOf: (key: string) => `${path}:${lines.get(key)}` }
}

// what a listener does not say for itself is that of the broker
function withoutDefaults(all: OptionRows): OptionRows {
  return Object.fromEntries(Object.entries(all).map(([key, { default: _, ...row }]) => [key, row]))
}
