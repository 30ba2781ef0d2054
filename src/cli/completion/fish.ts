import { grouped, type Offer, type OfferedCommand, type OfferedOption } from './offers.ts'

/** The script for fish: each option once, with the commands that have it. */
export function fishScript(commands: readonly OfferedCommand[]): string {
  const top = commands.filter(({ name }) => !name.includes(' '))
  const nested = commands.map(idOf).filter((id) => id.includes('/'))
  const options = commands.flatMap((command) => command.options.map((option) => ({ command, option })))
  const same = grouped(options, ({ option }) => JSON.stringify(option))
  return `# Completion of mqtt-kit for fish, made by: mqtt-kit completion fish

# The command, with a slash between the words of a command within a command.
function __mqtt_kit_command
    set -l words (commandline -opc)
    if contains -- "$words[2]/$words[3]" ${nested.length === 0 ? "''" : nested.join(' ')}
        echo $words[2]/$words[3]
    else if test (count $words) -gt 1
        echo $words[2]
    end
end

# Is the command one of these?
function __mqtt_kit_in
    contains -- (__mqtt_kit_command) $argv
end

# Is the word that stands so many words before the cursor one of these?
function __mqtt_kit_after
    set -l words (commandline -opc)
    set -l place (math (count $words) - $argv[1] + 1)
    test $place -gt 2; and contains -- $words[$place] $argv[2..]
end

# Is it this command, and so many of its arguments stand before the cursor? What comes then are options with a value.
function __mqtt_kit_arguments
    __mqtt_kit_in $argv[1]; or return 1
    set -l words (commandline -opc)
    set -l found 0
    set -l isvalue 0
    # its own words are no arguments
    set -l first (math 2 + (count (string split / $argv[1])))
    for word in $words[$first..]
        if test $isvalue -eq 1
            set isvalue 0
        else if contains -- $word $argv[4..]
            set isvalue 1
        else if not string match -q -- '-*' $word
            set found (math $found + 1)
        end
    end
    test $found -ge $argv[2] -a $found -le $argv[3]
end

complete -c mqtt-kit -e
complete -c mqtt-kit -f
complete -c mqtt-kit -n 'test (count (commandline -opc)) -eq 1' -l help -d 'show help'
complete -c mqtt-kit -n 'test (count (commandline -opc)) -eq 1' -l version -d 'show the version'
${top.map(({ name, summary }) => `complete -c mqtt-kit -n 'test (count (commandline -opc)) -eq 1' -a ${name} -d ${quoted(summary)}`).join('\n')}
${same
  .map((members) =>
    optionLine(
      members[0]!.option,
      members.map(({ command }) => idOf(command)),
    ),
  )
  .join('\n')}
${commands.flatMap(operandLines).join('\n')}
`
}

// as __mqtt_kit_command says it
function idOf({ name }: OfferedCommand): string {
  return name.replace(' ', '/')
}

function optionLine({ short, long, help, values }: OfferedOption, commands: readonly string[]): string {
  const condition = `__mqtt_kit_in ${commands.join(' ')}`
  const names = [...(short === null ? [] : [`-s ${short}`]), `-l ${long}`].join(' ')
  const [first, ...further] = values
  const takes = first === undefined ? '' : ` ${offered(first)}`
  const typed = [...(short === null ? [] : [`-${short}`]), `--${long}`].join(' ')
  return [
    `complete -c mqtt-kit -n ${quoted(condition)} ${names}${takes} -d ${quoted(help)}`,
    ...further.flatMap((offer, i) => {
      if (offer.words.length === 0) return []
      const place = `${condition}; and __mqtt_kit_after ${i + 2} ${typed}`
      return [`complete -c mqtt-kit -n ${quoted(place)} ${offered(offer)}`]
    }),
  ].join('\n')
}

function operandLines(command: OfferedCommand): string[] {
  const { options, operands } = command
  const withValue = options.filter(({ values }) => values.length > 0)
  const typed = withValue.flatMap(({ short, long }) => (short === null ? [`--${long}`] : [`-${short}`, `--${long}`]))
  return operands.flatMap((offer, i) => {
    if (offer.words.length === 0 && offer.from === null) return []
    const last = i === operands.length - 1 ? 1_000_000 : i
    const place = ['__mqtt_kit_arguments', idOf(command), i, last, ...typed].join(' ')
    return [`complete -c mqtt-kit -n ${quoted(place)} ${operandOffer(offer)}`]
  })
}

// -x: a value has to follow, and it is no file
function offered({ words, from }: Offer): string {
  if (from === 'files') return '-r -F'
  if (from === 'profiles') return `-x -a '(mqtt-kit completion profiles 2>/dev/null)'`
  if (from === 'directories') return `-x -a '(__fish_complete_directories (commandline -ct))'`
  return words.length === 0 ? '-x' : `-x -a ${quoted(words.join(' '))}`
}

function operandOffer({ words, from }: Offer): string {
  const found = from === 'directories' ? ['(__fish_complete_directories (commandline -ct))'] : []
  const list = [...words, ...found]
  return [...(list.length === 0 ? [] : [`-a ${quoted(list.join(' '))}`]), ...(from === 'files' ? ['-F'] : [])].join(' ')
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
