import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { commands, findCommand } from '../../src/cli/commands.ts'
import { exitCodes } from '../../src/cli/exit-code.ts'
import { commandHelp, manPages, programHelp } from '../../src/cli/manual.ts'
import { environmentName, longName } from '../../src/cli/options/option-row.ts'
import { parse } from '../../src/cli/options/parse.ts'
import { createPainter } from '../../src/cli/terminal.ts'
import { findPeer, run } from '../support/peers.ts'

const specs = await Promise.all(commands.map((command) => command.spec()))
const plain = await createPainter(false)
const man = fileURLToPath(new URL('../../man/', import.meta.url))

/** Words of a shell line with single quotes, behind its last pipe. */
function shellWords(line: string): string[] {
  const command = line.split('| ').at(-1)!
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
}

describe('help', () => {
  it.each(specs.map((spec) => [spec.name, commandHelp(spec, plain)]))('of %s fits 80 columns', (_, help) => {
    expect(help.split('\n').filter((line) => line.length > 80)).toEqual([])
  })

  it('of the program fits 80 columns and names every command', () => {
    const help = programHelp(specs, plain)

    expect(help.split('\n').filter((line) => line.length > 80)).toEqual([])
    for (const { name, summary } of specs) expect(help).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'))
  })

  it.each(specs.map((spec) => [spec.name, spec] as const))('of %s names every option and no foreign one', (_, spec) => {
    const help = commandHelp(spec, plain)

    for (const [key, row] of Object.entries(spec.rows)) {
      expect(help).toMatch(
        new RegExp(`^  ${row.short === undefined ? '    ' : `-${row.short}, `}--${longName(key)}\\b`, 'm'),
      )
      for (const alias of row.aliases ?? []) expect(help).not.toContain(`--${alias}`)
    }
  })

  it.each(specs.map((spec) => [spec.name, spec] as const))('of %s has three examples that parse', (_, spec) => {
    expect(spec.examples).toHaveLength(3)
    for (const { line } of spec.examples) {
      const [program, ...words] = shellWords(line)
      expect([program, findCommand(words)?.name]).toEqual(['mqtt-kit', spec.name])
      expect(parse(words.slice(spec.name.split(' ').length), spec.rows, {})).not.toBeNull()
    }
  })
})

describe('the man pages', () => {
  it('are what scripts/man.mjs makes of the options', () => {
    const pages = manPages(specs)

    expect(readdirSync(man).toSorted()).toEqual(pages.map(([name]) => name).toSorted())
    for (const [name, text] of pages) expect(readFileSync(`${man}${name}`, 'utf8')).toBe(text)
  })

  it('are all in package.json, so that npm installs them', () => {
    const { man: installed } = JSON.parse(readFileSync(`${man}../package.json`, 'utf8'))

    expect(installed.toSorted()).toEqual(
      readdirSync(man)
        .map((name) => `man/${name}`)
        .toSorted(),
    )
  })

  it.skipIf(!findPeer('mandoc', 'mandoc', []))('have nothing that mandoc warns of', async () => {
    const files = readdirSync(man).map((name) => `${man}${name}`)

    const { stdout, stderr } = await run('mandoc', '-Tlint', '-W', 'warning', ...files)

    // there is none on purpose: what is made of the options changes with them only
    const warnings = (stdout + stderr).split('\n').filter((line) => line !== '' && !line.includes('missing date'))
    expect(warnings).toEqual([])
  })

  it('list every exit code', () => {
    const [[, page] = ['', '']] = manPages(specs)

    for (const { code } of exitCodes) expect(page).toContain(`\n.B ${code}\n`)
  })
})

describe('the rows of options', () => {
  it.each(specs.map((spec) => [spec.name, spec] as const))('of %s share no letter and no long name', (_, spec) => {
    const rows = Object.entries(spec.rows)
    const letters = rows.map(([, { short }]) => short).filter((short) => short !== undefined)
    const names = rows.flatMap(([key, { aliases = [] }]) => [longName(key), ...aliases])

    expect(new Set(letters).size).toBe(letters.length)
    expect(new Set(names).size).toBe(names.length)
  })

  it('give a letter one meaning in all client commands', () => {
    const clients = specs.filter(({ rows }) => 'keepalive' in rows)
    const meanings = new Map<string, Set<string>>()
    // all bench tools agree on these: clients, messages, size
    const ofBench = new Set(['c', 'n', 's'])
    for (const { name, rows } of clients) {
      for (const [key, { short }] of Object.entries(rows)) {
        if (short !== undefined && !(name === 'bench' && ofBench.has(short)))
          meanings.set(short, (meanings.get(short) ?? new Set()).add(key))
      }
    }

    expect([...meanings].filter(([, keys]) => keys.size > 1)).toEqual([])
  })

  it('name environment variables in capitals', () => {
    expect(environmentName('willTopic')).toBe('MQTT_KIT_WILL_TOPIC')
  })
})
