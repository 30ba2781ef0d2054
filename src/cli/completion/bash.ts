import { grouped, namesOf, type Offer, type OfferedCommand, type OfferedOption } from './offers.ts'

/** What `files` and `directories` are called among words: no option and no choice looks like this. */
const MARKS = { files: '@files', directories: '@directories', profiles: '@profiles' } as const

/** The script for bash 4.3 and newer. One function for each command says what its options take; _mqtt_kit asks them. */
export function bashScript(commands: readonly OfferedCommand[]): string {
  return `# Completion of mqtt-kit for bash, made by: mqtt-kit completion bash

${commands.map(commandFunction).join('\n')}
${MACHINE}
_mqtt_kit_commands='${commands.map(({ name }) => name.replace(' ', '/')).join(' ')}'
complete -F _mqtt_kit mqtt-kit
`
}

// $1 is an option, or a number: which of the arguments. Sets offer1, offer2 ..., one for each word of the value.
function commandFunction({ name, options, operands }: OfferedCommand): string {
  const withValue = options.filter(({ values }) => values.length > 0)
  const sameValue = grouped(withValue, ({ values }) => JSON.stringify(values))
  const cases = [
    ...sameValue.map((same) => `    ${same.flatMap(namesOf).join('|')}) ${assignments(same[0]!)} ;;`),
    ...operands.map((offer, i) => `    ${i === operands.length - 1 ? '[0-9]*' : i + 1}) offer1=${list(offer)} ;;`),
    // a command of options only
    ...(operands.length === 0 ? [`    [0-9]*) offer1=("\${options[@]}") ;;`] : []),
  ]
  const names = options.flatMap(({ short, long }) => (short === null ? [`--${long}`] : [`-${short}`, `--${long}`]))
  return `_mqtt_kit_${name.replace(' ', '_')}() {
  options=(${names.join(' ')})
  case $1 in
${cases.join('\n')}
  esac
}
`
}

function assignments({ values }: OfferedOption): string {
  return [`words=${values.length}`, ...values.map((offer, i) => `offer${i + 1}=${list(offer)}`)].join(' ')
}

function list({ words, from }: Offer): string {
  return `(${[...words.map(quoted), ...(from === null ? [] : [MARKS[from]])].join(' ')})`
}

function quoted(word: string): string {
  return /^[\w./=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** What is the same for all commands. */
const MACHINE = String.raw`
# Sets typed to the words up to the cursor. Bash has split them at : and =, too; what stands together is one word.
_mqtt_kit_typed() {
  local line=\${COMP_LINE:0:COMP_POINT} rest word i
  typed=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    rest=\${line#"\${line%%[![:space:]]*}"}
    # the cursor may stand inside of the word
    ((i == COMP_CWORD)) && word=$rest
    if ((i > 0)) && [[ $rest == "$line" && -n $line ]]; then
      typed[\${#typed[@]} - 1]+=$word
    else
      typed+=("$word")
    fi
    line=\${rest#"$word"}
  done
}

# How many of the words that follow this one are its value. Letters may stand together: -rq 1.
_mqtt_kit_awaits() {
  local command=$1 word=$2 i
  words=0
  case $word in
    --*=*) ;;
    --*) "_mqtt_kit_$command" "$word" ;;
    *)
      for ((i = 1; i < \${#word}; i++)); do
        "_mqtt_kit_$command" "-\${word:i:1}"
        if ((words > 0)); then
          ((i < \${#word} - 1)) && words=0
          return
        fi
      done
      ;;
  esac
}

_mqtt_kit_offer() {
  local before=$1 current=$2 word
  shift 2
  for word; do
    case $word in
      @files)
        compopt -o default 2>/dev/null || while IFS= read -r word; do COMPREPLY+=("$before$word"); done < <(compgen -f -- "$current")
        ;;
      @profiles)
        while IFS= read -r word; do
          [[ $word == "$current"* ]] && printf -v word %q "$word" && COMPREPLY+=("$before$word")
        done < <(mqtt-kit completion profiles 2>/dev/null)
        ;;
      @directories)
        compopt -o dirnames 2>/dev/null || while IFS= read -r word; do COMPREPLY+=("$before$word"); done < <(compgen -d -- "$current")
        ;;
      "$current"*)
        COMPREPLY+=("$before$word")
        [[ $word == *= ]] && compopt -o nospace 2>/dev/null
        ;;
    esac
  done
}

_mqtt_kit() {
  local -a typed options offer1 offer2 offer3
  local words=0 value=0 argument=0 ended= before= first=2 command current whole word i
  COMPREPLY=()
  _mqtt_kit_typed
  whole=\${typed[\${#typed[@]} - 1]}
  current=$whole
  command=\${typed[1]}
  if ((\${#typed[@]} == 2)); then
    for word in $_mqtt_kit_commands --help --version; do
      [[ $word == */* ]] || _mqtt_kit_offer '' "$current" "$word"
    done
    return
  fi
  [[ " $_mqtt_kit_commands " == *" $command "* ]] || return
  # a command within a command
  if ((\${#typed[@]} > 3)) && [[ " $_mqtt_kit_commands " == *" $command/\${typed[2]} "* ]]; then
    command+=_\${typed[2]}
    first=3
  fi
  for ((i = first; i < \${#typed[@]} - 1; i++)); do
    word=\${typed[i]}
    if ((value > 0)); then
      ((value == words)) && value=0 || ((value++))
    elif [[ -z $ended && $word == -- ]]; then
      ended=1
    elif [[ -z $ended && $word == -?* ]]; then
      offer1=() offer2=() offer3=()
      _mqtt_kit_awaits "$command" "$word"
      ((words > 0)) && value=1
    else
      ((argument++))
    fi
  done
  if ((value > 0)); then
    # set when the option was met
    local -n offer=offer$value
    _mqtt_kit_offer '' "$current" "\${offer[@]}"
  elif [[ -z $ended && $current == --*=* ]]; then
    before=\${current%%=*} offer1=()
    "_mqtt_kit_$command" "$before"
    current=\${current#*=}
    _mqtt_kit_offer "$before=" "$current" "\${offer1[@]}"
  else
    offer1=()
    "_mqtt_kit_$command" $((argument + 1))
    [[ -z $ended && $current == -* ]] && offer1=("\${options[@]}")
    _mqtt_kit_offer '' "$current" "\${offer1[@]}"
  fi
  # readline replaces what follows the last : or = at which it splits
  local breaks=
  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
  [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
  if [[ -n $breaks ]]; then
    before=\${whole%"\${whole##*[$breaks]}"}
    COMPREPLY=("\${COMPREPLY[@]#"$before"}")
  fi
  return 0
}
`.replaceAll('\\${', '${')
