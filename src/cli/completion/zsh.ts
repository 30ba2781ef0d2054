import { NOTHING, type Offer, type OfferedCommand, type OfferedOption } from './offers.ts'

/** The script for zsh: a file in $fpath, or read behind compinit. _arguments does the work. */
export function zshScript(commands: readonly OfferedCommand[]): string {
  const top = commands.filter(({ name }) => !name.includes(' '))
  const described = top.map(({ name, summary }) => `        ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}`)
  return `#compdef mqtt-kit
# Completion of mqtt-kit for zsh, made by: mqtt-kit completion zsh

# Words behind which there is no space: the first half of NAME=VALUE.
_mqtt-kit_partial() {
  compadd -S '' "$@"
}

_mqtt-kit_profiles() {
  compadd "$@" -- \${(f)"$(mqtt-kit completion profiles 2>/dev/null)"}
}

${commands.map((command) => commandFunction(command, commands)).join('\n')}
_mqtt-kit() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -C '(- *)--help[show help]' '(- *)--version[show the version]' '1: :->command' '*:: :->rest'
  case $state in
    command)
      local -a commands=(
${described.join('\n')}
      )
      _describe -t commands command commands
      ;;
    rest)
      case $line[1] in
        ${top.map(({ name }) => name).join('|')}) _mqtt-kit-$line[1] ;;
      esac
      ;;
  esac
}

if [[ $funcstack[1] == _mqtt-kit ]]; then
  _mqtt-kit "$@"
else
  compdef _mqtt-kit mqtt-kit
fi
`
}

// One function for each command; a command within a command is asked by the other one.
function commandFunction(command: OfferedCommand, all: readonly OfferedCommand[]): string {
  const { name, options, operands } = command
  const within = all.filter((one) => one.name.startsWith(`${name} `))
  const cases = within.map(
    (one) => `  if [[ $CURRENT -gt 2 && $words[2] == ${one.name.slice(name.length + 1)} ]]; then
    shift words
    ((CURRENT--))
    ${functionName(one)}
    return
  fi
`,
  )
  const specs = [
    ...options.flatMap(optionSpecs),
    ...(operands.length === 0 ? [NOTHING] : operands).map((offer, i, offers) => {
      const place = i === offers.length - 1 ? '*' : String(i + 1)
      // not a space: its message would keep options from being completed there
      return offer.words.length === 0 && offer.from === null
        ? `${place}:argument:()`
        : `${place}${value('argument', offer)}`
    }),
  ]
  return `${functionName(command)}() {
${cases.join('')}  _arguments -s -S : \\
${specs.map((spec) => `    ${quoted(spec)}`).join(' \\\n')}
}
`
}

function functionName({ name }: OfferedCommand): string {
  return `_mqtt-kit-${name.replace(' ', '-')}`
}

function optionSpecs({ short, long, aliases, help, repeatable, valueName, values }: OfferedOption): string[] {
  const text = `[${escaped(help, /[[\]\\]/g)}]`
  const rest = values.map((offer, i) => value(i === 0 ? (valueName ?? '') : 'value', offer)).join('')
  const takes = values.length > 0
  const names = [...(short === null ? [] : [`-${short}`]), `--${long}`]
  const before = long === 'help' ? '(- *)' : repeatable ? '*' : names.length > 1 ? `(${names.join(' ')})` : ''
  return [
    ...(short === null ? [] : [`${before}-${short}${takes ? '+' : ''}${text}${rest}`]),
    `${before}--${long}${takes ? '=' : ''}${text}${rest}`,
    ...aliases.map((alias) => `!--${alias}${takes ? '=' : ''}${rest}`),
  ]
}

function value(name: string, { words, from }: Offer): string {
  return `:${escaped(name, /[:\\]/g)}:${action(words, from)}`
}

// A space is the action that offers nothing and shows what is wanted.
function action(words: readonly string[], from: Offer['from']): string {
  if (words.some((word) => word.endsWith('='))) return `_mqtt-kit_partial ${words.map(quoted).join(' ')}`
  const list = words.map((word) => escaped(word, /[:\\ ()]/g)).join(' ')
  if (from === null) return words.length === 0 ? ' ' : `(${list})`
  if (from === 'profiles') return '_mqtt-kit_profiles'
  const files = from === 'files' ? '_files' : '_files -/'
  return words.length === 0 ? files : `_alternative ${quoted(`words:word:(${list})`)} ${quoted(`files:file:${files}`)}`
}

function escaped(text: string, characters: RegExp): string {
  return text.replaceAll(characters, '\\$&')
}

function quoted(word: string): string {
  return /^[\w./=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
