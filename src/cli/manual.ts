/**
 * Help and man pages, made from the rows of the options and the table of exit codes. Nothing is said here that a row
 * could say.
 */
import { exitCodes } from './exit-code.ts'
import type { CommandSpec } from './options/command-spec.ts'
import { environmentName, longName, type OptionGroup, type OptionRow, type OptionRows } from './options/option-row.ts'
import type { Painter } from './terminal.ts'

const WIDTH = 80
const TEXT_COLUMN = 28
const GROUPS: readonly OptionGroup[] = [
  'Load',
  'Message',
  'Subscription',
  'Listening',
  'Access',
  'Storage',
  'Connection',
  'TLS',
  'Session',
  'Will',
  'Decoding',
  'Faults',
  'Limits',
  'Output',
  'General',
]

type Entry = readonly [key: string, row: OptionRow<unknown>]

/** What `mqtt-kit pub --help` prints: at most 80 columns. */
export function commandHelp(spec: CommandSpec, painter: Painter): string {
  const usage = wrap(`mqtt-kit ${spec.name} ${spec.synopsis}`, WIDTH - 7).join(`\n${' '.repeat(7)}`)
  const parts = [
    `${painter.heading('Usage:')} ${usage}`,
    wrap(spec.description[0]!, WIDTH).join('\n'),
    ...groupsOf(spec.rows).map(([group, entries]) => `${painter.heading(`${group}:`)}\n${optionLines(entries)}`),
    `${painter.heading('Examples:')}\n${spec.examples.map(({ text, line }) => `  ${text}\n    ${line}`).join('\n')}`,
    wrap(`${variableSentence(spec.rows)}Exit codes are in mqtt-kit(1).`, WIDTH).join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

/** What `mqtt-kit --help` prints. */
export function programHelp(specs: readonly CommandSpec[], painter: Painter): string {
  const parts = [
    `${painter.heading('Usage:')} mqtt-kit COMMAND [OPTION...]`,
    'One tool for MQTT 3.1, 3.1.1 and 5.0.',
    `${painter.heading('Commands:')}\n${specs.map(({ name, summary }) => columns(`  ${name}`, summary)).join('\n')}`,
    [
      painter.heading('Help:'),
      columns('  mqtt-kit help COMMAND', 'options and examples of a command'),
      columns('  mqtt-kit --version', 'the version'),
      columns('  man mqtt-kit', 'exit codes, environment, and everything else'),
    ].join('\n'),
    `${painter.heading('Examples:')}\n${specs.map(({ examples }) => `  ${examples[0]!.text}\n    ${examples[0]!.line}`).join('\n')}`,
  ]
  return `${parts.join('\n\n')}\n`
}

function groupsOf(rows: OptionRows): [OptionGroup, Entry[]][] {
  const entries = Object.entries(rows)
  return GROUPS.map((group): [OptionGroup, Entry[]] => [
    group,
    entries.filter(([, row]) => row.group === group),
  ]).filter(([, members]) => members.length > 0)
}

function optionLines(entries: readonly Entry[]): string {
  return entries
    .map(([key, row]) => {
      const short = row.short === undefined ? '    ' : `-${row.short}, `
      const value = row.value === null ? '' : ` ${row.value.name}`
      return columns(`  ${short}--${longName(key)}${value}`, helpText(row))
    })
    .join('\n')
}

function helpText(row: OptionRow<unknown>): string {
  return row.default === undefined ? row.help : `${row.help} (default ${row.default})`
}

function columns(left: string, text: string): string {
  const indent = `\n${' '.repeat(TEXT_COLUMN)}`
  const lines = wrap(text, WIDTH - TEXT_COLUMN).join(indent)
  return left.length + 2 > TEXT_COLUMN ? left + indent + lines : left.padEnd(TEXT_COLUMN) + lines
}

// Empty for a command that reads no variables.
function variableSentence(rows: OptionRows): string {
  const keys = Object.keys(rows).filter((candidate) => rows[candidate]!.environment !== false)
  const key = keys.find((candidate) => candidate === 'qos' || candidate === 'sysInterval') ?? keys[0]
  if (key === undefined) return ''
  return `Options can be set by environment variables, too: ${environmentName(key)} for --${longName(key)}. `
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

/** All man pages: the name of the file and its text. */
export function manPages(specs: readonly CommandSpec[]): [file: string, text: string][] {
  return [
    ['mqtt-kit.1', programManPage(specs)],
    ...specs.map((spec): [string, string] => [`${pageName(spec)}.1`, commandManPage(spec, specs)]),
  ]
}

// `inspect encode` -> `mqtt-kit-inspect-encode`
function pageName({ name }: Pick<CommandSpec, 'name'>): string {
  return `mqtt-kit-${name.replaceAll(' ', '-')}`
}

function commandManPage(spec: CommandSpec, specs: readonly CommandSpec[]): string {
  const others = ['mqtt-kit', ...specs.filter(({ name }) => name !== spec.name).map(pageName)]
  return page(pageName(spec), [
    section('NAME', `${roff(pageName(spec))} \\- ${roff(spec.summary)}`),
    section('SYNOPSIS', `.B mqtt\\-kit ${spec.name}\n${roff(spec.synopsis)}`),
    section('DESCRIPTION', spec.description.map(roff).join('\n.PP\n')),
    section('OPTIONS', groupsOf(spec.rows).map(manGroup).join('\n')),
    section(
      'EXAMPLES',
      spec.examples.map(({ text, line }) => `${roff(text)}\n.PP\n.nf\n.RS 4\n${roff(line)}\n.RE\n.fi`).join('\n.PP\n'),
    ),
    section('EXIT STATUS', 'See \\fBmqtt\\-kit\\fR(1).'),
    section('SEE ALSO', seeAlso(others)),
  ])
}

function programManPage(specs: readonly CommandSpec[]): string {
  return page('mqtt-kit', [
    section('NAME', 'mqtt\\-kit \\- one tool for MQTT 3.1, 3.1.1 and 5.0'),
    section(
      'SYNOPSIS',
      '.B mqtt\\-kit\nCOMMAND [OPTION...]\n.br\n.B mqtt\\-kit help\n[COMMAND]\n.br\n.B mqtt\\-kit \\-\\-version',
    ),
    section(
      'DESCRIPTION',
      [
        'Each command has a page of its own. The letters of options mean the same in all commands, and the same as in ' +
          'mosquitto_pub and mosquitto_sub; \\-h is the host everywhere, and help is \\-\\-help.',
        'Data goes to stdout, everything else to stderr.',
      ].join('\n.PP\n'),
    ),
    section(
      'COMMANDS',
      specs.map(({ name, summary }) => `.TP\n\\fB${roff(pageName({ name }))}\\fR(1)\n${roff(summary)}`).join('\n'),
    ),
    section('EXIT STATUS', exitCodes.map(({ code, when }) => `.TP\n.B ${code}\n${roff(when)}`).join('\n')),
    section('ENVIRONMENT', environmentText()),
    section('SEE ALSO', seeAlso(specs.map(pageName))),
  ])
}

function environmentText(): string {
  return [
    [
      'MQTT_KIT_*',
      'The long name of an option in capitals, with _ for -, as in MQTT_KIT_QOS or MQTT_KIT_ID: its value when the option is not given. A switch is set by 1, true, yes or on. The page of a command names the options that have none.',
    ],
    [
      'MQTT_URL',
      'The broker, when no URL is given: mqtt://user:password@host:port/topic. Options are stronger than a URL, a URL is stronger than MQTT_KIT_*, and these are stronger than a profile.',
    ],
    [
      'XDG_CONFIG_HOME',
      'The folder of mqtt-kit/config.toml, which holds the profiles of --profile; ~/.config without it.',
    ],
    [
      'NO_COLOR, FORCE_COLOR, TERM',
      'Colour is used on terminals only. NO_COLOR and TERM=dumb turn it off; FORCE_COLOR turns it on everywhere, or off when it is 0.',
    ],
  ]
    .map(([name, text]) => `.TP\n.B ${roff(name!)}\n${roff(text!)}`)
    .join('\n')
}

function page(name: string, sections: readonly string[]): string {
  return `.\\" Made by scripts/man.mjs from the options in src/cli: change those.\n.TH ${name.toUpperCase().replaceAll('-', '\\-')} 1 "" mqtt\\-kit "User Commands"\n${sections.join('\n')}\n`
}

function section(title: string, body: string): string {
  return `.SH ${title}\n${body}`
}

function manGroup([group, entries]: readonly [OptionGroup, readonly Entry[]]): string {
  return `.SS ${group}\n${entries.map(manOption).join('\n')}`
}

function manOption([key, row]: Entry): string {
  const value = row.value === null ? '' : ` \\fI${roff(row.value.name)}\\fR`
  const names = [...(row.short === undefined ? [] : [`-${row.short}`]), `--${longName(key)}`]
  const title = names.map((name) => `\\fB${roff(name)}\\fR`).join(', ') + value
  const sentences = [
    `${capitalised(row.help)}.`,
    row.default === undefined ? '' : `The default is ${row.default}${row.unit === undefined ? '' : ` (${row.unit})`}.`,
    row.more ?? '',
    row.environment === false && key !== 'help' ? 'It has no environment variable.' : '',
  ]
  return `.TP\n${title}\n${sentences
    .filter((sentence) => sentence !== '')
    .map(roff)
    .join('\n')}`
}

function capitalised(text: string): string {
  return /^[a-z][a-z]/.test(text) || text.startsWith('a ') ? text[0]!.toUpperCase() + text.slice(1) : text
}

function seeAlso(names: readonly string[]): string {
  return names.map((name) => `\\fB${roff(name)}\\fR(1)`).join(', ')
}

function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(['.])/gm, '\\&$1')
}
