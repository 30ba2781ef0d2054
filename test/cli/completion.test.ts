import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { completionScript } from '../../src/cli/completion/script.ts'
import type { CommandSpec } from '../../src/cli/options/command-spec.ts'
import { shells } from '../../src/cli/options/completion.ts'
import { longName, one } from '../../src/cli/options/option-row.ts'
import { choice } from '../../src/cli/options/values.ts'
import { type Finished, findPeer, run as runPeer } from '../support/peers.ts'
import { Program, run } from '../support/program.ts'

const hasScript = findPeer('script', 'script', ['--version'])
const hasShell = {
  bash: findPeer('bash', 'bash', ['--version']),
  zsh: findPeer('zsh', 'zsh', ['--version']) && hasScript,
  fish: findPeer('fish', 'fish', ['--version']),
}

const ours = await Promise.all(commands.map((command) => command.spec()))
/** A command within a command. */
const nested: CommandSpec = {
  name: 'explain loudly',
  summary: 'explain and shout',
  synopsis: '',
  description: [''],
  rows: { volume: one(choice('HOW', ['high', 'higher']), { group: 'Output', short: 'v', help: 'how loud' }) },
  operands: [{ words: ['please'] }],
  examples: [],
}
const specs = [...ours, nested]
/** Ends the answer to one question. */
const END = '@end'
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-completion-'))
  mkdirSync(join(folder, 'home'))
  mkdirSync(join(folder, 'certificates'))
  writeFileSync(join(folder, 'certificate.pem'), '')
  for (const shell of shells) writeFileSync(join(folder, shell), completionScript(shell, specs))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** In place of the program: profiles for the shell that asks for them, else its arguments, each in angle brackets. */
const PROFILES = {
  bash: `mqtt-kit() { if [[ $* == 'completion profiles' ]]; then printf 'lab\\nmy office\\n'; else printf '<%s>' "$@"; echo; fi; }`,
  fish: `function mqtt-kit; printf 'lab\\nmy office\\n'; end`,
}

/** Bash splits a line as readline does before it asks: at blanks, and so that : and = are words of their own. */
function bashWords(line: string): string[] {
  const words = [...line.matchAll(/[:=]+|[^\s:=]+/g)].map(([word]) => word)
  return line.endsWith(' ') ? [...words, ''] : words
}

/** What bash offers at the end of each line: one shell answers for all. */
async function bash(lines: readonly string[]): Promise<string[][]> {
  const script = `
    source ${join(folder, 'bash')}
    cd ${folder}
    ${PROFILES.bash}
    ask() {
      COMP_LINE=$1 COMP_POINT=\${#1}
      shift
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _mqtt_kit
      printf '%s\\n' "\${COMPREPLY[@]}" ${END}
    }
    ${lines.map((line) => `ask ${[line, ...bashWords(line)].map((word) => `'${word}'`).join(' ')}`).join('\n')}`
  return offersIn(await runPeer('bash', '--norc', '--noprofile', '-c', script))
}

/** The same of fish; behind a tab stands what is said about a word. */
async function fish(lines: readonly string[]): Promise<string[][]> {
  const questions = lines.map((line) => `complete -C '${line}'; echo ${END}`)
  const script = `source ${join(folder, 'fish')}; cd ${folder}; ${PROFILES.fish}; ${questions.join('; ')}`
  return offersIn(await runPeer('fish', '--no-config', '-c', script))
}

function offersIn({ stdout, stderr }: Finished): string[][] {
  expect(stderr).toBe('')
  const answers = stdout.split(`${END}\n`).slice(0, -1)
  return answers.map((answer) => answer.split('\n').filter((word) => word !== ''))
}

/** Without what fish says about them and with a blank as it is meant. */
function words(lines: readonly string[]): string[] {
  return lines.map((line) => line.split('\t')[0]!.replaceAll('\\ ', ' ')).toSorted()
}

/** What stands at the start of an interactive shell. */
const preludes = {
  bash: `
    bind 'set enable-bracketed-paste off'
    PROMPT_COMMAND='PS1="<line $((++line))>"'`,
  // what is offered goes to the file "offers" as well
  zsh: `
    autoload -U compinit
    compinit -u -D
    unset zle_bracketed_paste
    LISTMAX=1000
    precmd() { PS1="<line $((++line))>"; }
    compadd() {
      [[ " \${@[1,(i)(-|--)]}" == *' -'(O|A|D)* ]] || { local -a found; builtin compadd -A found "$@"; print -rl -- $found >>offers; }
      builtin compadd "$@"
    }`,
}
const interactive = { bash: 'bash --norc --noprofile -i', zsh: 'zsh -f -i' }

/** Types lines into a shell on a terminal; there mqtt-kit prints its arguments, each in angle brackets. */
async function typed(shell: keyof typeof preludes, lines: readonly string[]): Promise<string> {
  const start = join(folder, `start-${shell}`)
  writeFileSync(start, `${preludes[shell]}\nsource ./${shell}\n${PROFILES.bash}\n`)
  // exec: where $SHELL is not set script takes another one
  const terminal = new Program('script', ['-qec', `cd '${folder}' && exec ${interactive[shell]}`, '/dev/null'], {
    environment: { TERM: 'vt100', HOME: join(folder, 'home') },
  })
  const input = terminal.child.stdin!
  input.write(`source ./start-${shell}\n`)
  // what comes before the prompt meets a terminal that has keys of its own
  for (const [i, line] of [...lines, 'exit'].entries()) {
    await terminal.says(`<line ${i + 1}>`)
    input.write(`${line}\n`)
  }
  return (await terminal.finished()).stdout
}

const CTRL_D = '\u0004'
const CTRL_U = '\u0015'

/** What zsh offers at the end of each line when Tab is pressed there. */
async function zsh(lines: readonly string[]): Promise<string[][]> {
  writeFileSync(join(folder, 'offers'), '')
  await typed(
    'zsh',
    lines.flatMap((line) => `${line}\t${CTRL_U}echo ${END} >>offers`),
  )
  return offersIn({ exitCode: 0, stdout: readFileSync(join(folder, 'offers'), 'utf8'), stderr: '' })
}

/** Each row: a line, and all that is offered at its end. */
const rows: [string, string[]][] = [
  ['mqtt-kit su', ['sub']],
  ['mqtt-kit sub --retain-h', ['--retain-handling']],
  ['mqtt-kit sub --retain-handling ', ['always', 'never', 'new']],
  ['mqtt-kit sub mqtt://localhost:1883 -q ', ['0', '1', '2']],
  ['mqtt-kit pub -rq ', ['0', '1', '2']],
  ['mqtt-kit pub -D ', ['connect', 'disconnect', 'publish', 'will']],
  ['mqtt-kit pub -D publish content-t', ['content-type']],
  ['mqtt-kit pub -D publish content-type ', []],
  ['mqtt-kit pub -t ', []],
  ['mqtt-kit pub -t sub --retain-', []],
  ['mqtt-kit pub --cert certificate.', ['certificate.pem']],
  ['mqtt-kit bench --size 100 fan', ['fanin', 'fanout']],
  ['mqtt-kit bench fanin fano', ['fanout']],
  ['mqtt-kit store ex', ['export']],
  ['mqtt-kit acl check rules wr', ['write']],
  ['mqtt-kit explain receive-maximum-', ['receive-maximum-exceeded']],
  ['mqtt-kit explain lou', ['loudly']],
  ['mqtt-kit explain loudly --volume ', ['high', 'higher']],
  ['mqtt-kit explain loudly -v high pl', ['please']],
  ['mqtt-kit explain connack loudl', []],
  ['mqtt-kit help do', ['doctor']],
  ['mqtt-kit completion ', ['bash', 'fish', 'profiles', 'zsh']],
  ['mqtt-kit sub --profile ', ['lab', 'my office']],
  ['mqtt-kit completion zsh ', []],
  ['mqtt-kit nonsense --', []],
]

describe.each([
  ['bash', bash, rows],
  ['zsh', zsh, rows],
  ['fish', fish, rows],
] as const)('completion in %s', (shell, ask, expected) => {
  it.skipIf(!hasShell[shell])('offers all commands', async () => {
    const [found = []] = await ask(['mqtt-kit '])

    const names = words(found).filter((word) => !word.startsWith('-'))
    const top = specs.map(({ name }) => name).filter((name) => !name.includes(' '))
    expect(names).toEqual([...top, 'help'].toSorted())
  })

  it.skipIf(!hasShell[shell])('offers all options of each command', async () => {
    const found = await ask(specs.map(({ name }) => `mqtt-kit ${name} --`))

    const options = specs.map(({ rows: all }) =>
      Object.keys(all)
        .map((key) => `--${longName(key)}`)
        .toSorted(),
    )
    expect(found.map(words)).toEqual(options)
  })

  it.skipIf(!hasShell[shell])('offers what can stand there', async () => {
    const found = await ask(expected.map(([line]) => line))

    expect(found.map((offers, i) => [expected[i]![0], words(offers)])).toEqual(expected)
  })
})

describe.skipIf(!hasShell.bash)('completion in bash', () => {
  it('knows that words are split at = and :', async () => {
    const split: [string, string[]][] = [
      ['mqtt-kit sub --retain-handling=', ['always', 'never', 'new']],
      ['mqtt-kit sub --retain-handling=ne', ['never', 'new']],
      ['mqtt-kit pub mqtt://localhost:1883 --cert=certificate.', ['certificate.pem']],
      ['mqtt-kit serve --data=certi', ['certificates']],
      ['mqtt-kit sub mqtt://localhost:18', []],
    ]

    const found = await bash(split.map(([line]) => line))

    expect(found.map((offers, i) => [split[i]![0], words(offers)])).toEqual(split)
  })

  it.skipIf(!hasScript)('answers the Tab key', async () => {
    const said = await typed('bash', [
      'mqtt-kit completion zs\t',
      'mqtt-kit sub mqtt://h:1883 --retain-ha\t al\t -q\t',
      'mqtt-kit sub --retain-handling=ne\t\tv\t',
      'mqtt-kit pub --cert certificate.\t',
      'mqtt-kit sub --profile my\t',
      'mqtt-kit pub --prop message-e\t5',
      'mqtt-kit serve --data certi\t',
    ])

    expect(said).toContain('<completion><zsh>')
    expect(said).toContain('<sub><mqtt://h:1883><--retain-handling><always><-q>')
    expect(said).toContain('<sub><--retain-handling=never>')
    expect(said).toContain('<pub><--cert><certificate.pem>')
    expect(said).toContain('<sub><--profile><my office>')
    expect(said).toContain('<pub><--prop><message-expiry-interval=5>')
    expect(said).toContain('<serve><--data><certificates/>')
  })
})

describe.skipIf(!hasShell.fish)('completion in fish', () => {
  it('tells what options and commands are for', async () => {
    expect(await fish(['mqtt-kit pub --qo', 'mqtt-kit doc'])).toEqual([
      ['--qos\tquality of service: 0, 1 or 2'],
      ['doctor\twhy a connection fails, and the limits of a broker'],
    ])
  })

  it('joins values to long and short options', async () => {
    const [long = [], short = []] = await fish(['mqtt-kit sub --retain-handling=ne', 'mqtt-kit pub -q'])

    expect(words(long)).toEqual(['--retain-handling=never', '--retain-handling=new'])
    expect(words(short)).toEqual(['-q0', '-q1', '-q2'])
  })
})

describe.skipIf(!hasShell.zsh)('completion in zsh', () => {
  it('answers the Tab key, and tells what options and commands are for', async () => {
    const said = await typed('zsh', [
      'mqtt-kit completion zs\t',
      'mqtt-kit sub mqtt://h:1883 --retain-ha\tal\t -q 1',
      'mqtt-kit pub --cert certificate.\t',
      'mqtt-kit sub --profile my\t',
      'mqtt-kit pub --prop message-e\t5',
      'mqtt-kit serve --data certi\t',
      `mqtt-kit pub --will-q${CTRL_D}${CTRL_U}`,
      `mqtt-kit doc${CTRL_D}${CTRL_U}`,
    ])

    expect(said).toContain('<completion><zsh>')
    expect(said).toContain('<sub><mqtt://h:1883><--retain-handling=always><-q><1>')
    expect(said).toContain('<pub><--cert><certificate.pem>')
    expect(said).toContain('<sub><--profile><my office>')
    expect(said).toContain('<pub><--prop><message-expiry-interval=5>')
    expect(said).toContain('<serve><--data><certificates>')
    expect(said).toMatch(/--will-qos +-- QoS of the will/)
    expect(said).toMatch(/doctor +-- why a connection fails, and the limits of a broker/)
  })
})

describe('mqtt-kit completion', () => {
  it.each(shells)('prints the script for %s', async (shell) => {
    const { exitCode, stdout, stderr } = await run(['completion', shell])

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toBe(completionScript(shell, ours))
  })

  it.each([
    [[], 'for which shell? bash, zsh, fish'],
    [['powershell'], '"powershell": expected a shell: bash, zsh, fish'],
  ])('%j ends with 2', async (args, message) => {
    const { exitCode, stderr } = await run(['completion', ...args])

    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: `mqtt-kit completion: ${message} (mqtt-kit completion --help)\n`,
    })
  })
})
