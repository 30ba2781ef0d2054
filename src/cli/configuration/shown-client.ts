import { formatAddress } from '../../transport/address.ts'
import { exclusiveClientOptions } from '../options/client-options.ts'
import type { CommandSpec } from '../options/command-spec.ts'
import { environmentName, longName, type OptionRows, shortestName } from '../options/option-row.ts'
import { type Environment, merged, type Parsed, places } from '../options/parse.ts'
import { type Origin, type Target, type TargetRows, targetOf } from '../options/target.ts'
import { configPath } from './profile.ts'
import { type Shown, shownSettings, shownText, withoutSecrets } from './shown-settings.ts'

/**
 * What --show-config of a client prints: the broker, then each value with where it comes from.
 * @param parsed with its profile
 * @throws UsageError as the command itself does for a bad address
 */
export function shownClient(
  { name, rows, operands = [] }: CommandSpec,
  parsed: Parsed<OptionRows>,
  environment: Environment,
): string {
  // what is neither a scenario of bench nor another word of the command is a URL
  const words = new Set(operands.flatMap((offer) => offer.words ?? []))
  const urls = parsed.operands.filter((word) => !words.has(word))
  const target = targetOf({ ...parsed, operands: urls } as Parsed<TargetRows>, environment)
  const profile = String(merged(parsed)['profile'] ?? '')
  const nameOf = (place: Origin, key: string): string => {
    switch (place) {
      case 'flags':
        return shortestName(key, rows[key]!)
      case 'url':
        return target.urlName === 'the URL' ? 'URL' : target.urlName!
      case 'environment':
        return environmentName(key)
      case 'profile':
        return `profile ${profile} in ${configPath(environment)}`
      case 'profile url':
        return `url of profile ${profile} in ${configPath(environment)}`
      case 'default':
        return 'default'
    }
  }
  const sources = places.map((place) => ({
    texts: parsed.texts[place],
    originOf: (key: string) => nameOf(place, key),
  }))
  const found = shownSettings(rows, sources, exclusiveClientOptions as readonly (readonly string[])[])
  const of = targetValues(target, nameOf)
  const url = urls[0] ?? environment['MQTT_URL'] ?? ''
  if (target.urlName !== null && target.urlName !== '-L') {
    of.set('url', { name: 'url', value: withoutSecrets(url), origin: nameOf('url', 'url') })
  }
  const isTopicOfUrl = target.origins.topic === 'url' && parsed.flags['topic'] === undefined
  if (
    target.topic !== null &&
    (isTopicOfUrl || found.get('topic') === undefined || found.get('topic')!.origin === 'default')
  ) {
    of.set('topic', { name: 'topic', value: target.topic, origin: nameOf(target.origins.topic, 'topic') })
  }
  const values = Object.keys(rows).flatMap((key) => (of.has(key) ? (of.get(key) ?? []) : (found.get(key) ?? [])))
  const { host, port, unix } = target.origins
  const isNowhere = target.urlName === null && [host, port, unix].every((origin) => origin === 'default')
  if (name === 'bench' && isNowhere && parsed.profile['url'] === undefined) {
    const own = values.filter((one) => one.name !== 'host' && one.name !== 'port')
    return shownText([{ name: 'broker', value: 'its own', origin: '' }, ...own])
  }
  const broker = { name: 'broker', value: formatAddress(target.address), origin: '' }
  return shownText([broker, ...values])
}

// What targetOf has found, in place of what the options alone say; null: it does not count.
function targetValues(
  { address, userName, password, origins }: Target,
  nameOf: (place: Origin, key: string) => string,
): Map<string, Shown | null> {
  const shown = (key: keyof Target['origins'], value: string, option: string = key): [string, Shown] => [
    option,
    { name: longName(option), value, origin: nameOf(origins[key], option) },
  ]
  const isUnix = address.scheme === 'unix'
  const values = new Map<string, Shown | null>([
    ['host', null],
    ['port', null],
    ['unix', null],
    ['user', null],
    ['password', null],
    ['passwordFile', null],
    ['passwordEnv', null],
    ...(isUnix ? [shown('unix', address.path)] : [shown('host', address.host), shown('port', String(address.port))]),
    ...(userName === null ? [] : [shown('user', userName)]),
  ])
  if (password === null) return values
  const { kind, text } = password
  const [option, value] = {
    text: ['password', '(hidden)'] as const,
    terminal: ['password', '(asked for)'] as const,
    file: ['passwordFile', text] as const,
    variable: ['passwordEnv', text] as const,
  }[kind]
  return new Map([...values, shown('password', value, option)])
}
