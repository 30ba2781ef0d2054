import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { conformanceReport } from '../../scripts/lib/conformance-report.mjs'
import { parseTitle, sideOf } from '../../scripts/lib/conformance-title.mjs'
import { itWithSpec, specFolder } from '../support/spec-folder.ts'
import { copyStatements } from './copy-statements.mjs'

const none = { v31: {}, v311: {}, v5: {}, semantics: {} }
const rule = 'a rule'

/** A report about one statement of 5.0, from tests given as file, title and status. */
function reportOn(
  statement: { binds: 'client' | 'server' | 'both'; testable: string[] },
  tests: readonly (readonly [file: string, title: string, status?: string])[],
  exceptions = { 'not-observable': none, 'not-built': none },
) {
  const files = tests.map(([name, title, status = 'passed']) => {
    return { name, assertionResults: [{ ancestorTitles: ['a group'], title, status }] }
  })
  const v5 = [{ id: 'MQTT-3.1.2-22', rule, ...statement }]
  return conformanceReport(files, { v311: [], v5, v31: [], semantics: [], exceptions })
}

const ofServer = { binds: 'server', testable: ['server'] } as const
const onBoth = { binds: 'both', testable: ['codec', 'server', 'client'] } as const
const TITLE = '[v5:MQTT-3.1.2-22] drops a silent client'

function both() {
  return { binds: onBoth.binds, testable: [...onBoth.testable] }
}

function server() {
  return { binds: ofServer.binds, testable: [...ofServer.testable] }
}

describe('a title', () => {
  it.each([
    ['[MQTT-3.1.2-22] drops it', 'test/conformance/v5/a.test.ts', ['v5 MQTT-3.1.2-22'], 'drops it'],
    ['[MQTT-3.1.2-24] drops it', 'test/conformance/v311/a.test.ts', ['v311 MQTT-3.1.2-24'], 'drops it'],
    [
      'S-01 [v5:MQTT-3.1.4-3] [v311:MQTT-3.1.4-2] takes over',
      'test/broker/a.test.ts',
      ['semantics S-01', 'v5 MQTT-3.1.4-3', 'v311 MQTT-3.1.4-2'],
      'takes over',
    ],
    [
      '[v5:MQTT-3.1.4-3, U311-4.4-1, V31-01] many',
      'test/a.test.ts',
      ['v5 MQTT-3.1.4-3', 'v311 U311-4.4-1', 'v31 V31-01'],
      'many',
    ],
    ['[MQTT-3.1.4-3 v5] behind', 'test/a.test.ts', ['v5 MQTT-3.1.4-3'], 'behind'],
    ['[v311: MQTT-3.1.4-2] apart', 'test/a.test.ts', ['v311 MQTT-3.1.4-2'], 'apart'],
    ['cites [MQTT-3.1.4-3] in its sentence', 'test/a.test.ts', [], 'cites [MQTT-3.1.4-3] in its sentence'],
  ])('names what stands before its sentence: %s', (title, file, ids, sentence) => {
    const parsed = parseTitle(title, file)

    expect(parsed.ids.map(({ list, id }) => `${list} ${id}`)).toEqual(ids)
    expect(parsed.sentence).toBe(sentence)
  })

  it('has to tell the version of a numbered statement', () => {
    expect(() => parseTitle('[MQTT-3.1.4-3] x', 'test/broker/a.test.ts')).toThrow('names no version')
  })

  it.each([
    ['test/broker/semantics/a.test.ts', 'broker'],
    ['test/conformance/both/server-a.test.ts', 'broker'],
    ['test/conformance/v5/client-a.test.ts', 'client'],
    ['test/client/a.test.ts', 'client'],
    ['test/session/client-session.test.ts', 'client'],
    ['test/session/qos-sender.test.ts', 'shared'],
    ['test/codec/a.test.ts', 'shared'],
  ])('stands for a side by its file: %s', (file, side) => {
    expect(sideOf(file)).toBe(side)
  })
})

describe('the report', () => {
  it('shows the first test of a statement and how many more there are', () => {
    const { text, errors } = reportOn(server(), [
      ['test/broker/b.test.ts', TITLE],
      ['test/broker/a.test.ts', TITLE],
    ])

    expect(text).toContain(
      '| MQTT-3.1.2-22 | broker | a rule | proven | a group: drops a silent client (+1) | test/broker/a.test.ts |',
    )
    expect(errors).toEqual([])
  })

  it('wants a test for the broker and one for the client where the statement binds both', () => {
    const { errors } = reportOn(both(), [
      ['test/broker/a.test.ts', TITLE],
      ['test/codec/a.test.ts', TITLE],
    ])

    expect(errors).toEqual(['MQTT 5.0: MQTT-3.1.2-22 has no test for the client: a rule'])
  })

  it('takes a skipped test for none, and tells one that fails', () => {
    expect(reportOn(server(), [['test/broker/a.test.ts', TITLE, 'skipped']]).errors).toEqual([
      'MQTT 5.0: MQTT-3.1.2-22 has no test for the broker: a rule',
    ])
    expect(reportOn(server(), [['test/broker/a.test.ts', TITLE, 'failed']]).errors).toEqual([
      'MQTT 5.0: a test of MQTT-3.1.2-22 fails',
    ])
  })

  it('takes a reason in place of a test, but not beside one', () => {
    const exceptions = { 'not-observable': { ...none, v5: { 'MQTT-3.1.2-22': 'no mark' } }, 'not-built': none }
    const excused = reportOn(server(), [], exceptions)
    expect(excused.errors).toEqual([])
    expect(excused.text).toContain('| not observable: no mark |')

    expect(reportOn(server(), [['test/broker/a.test.ts', TITLE]], exceptions).errors).toEqual([
      'MQTT 5.0: MQTT-3.1.2-22 has a test and is excused in not-observable',
    ])
  })

  it('tells a title that names what does not exist, or no version', () => {
    const { errors } = reportOn(server(), [
      ['test/broker/a.test.ts', TITLE],
      ['test/broker/b.test.ts', '[v5:MQTT-9.9.9-9] x'],
      ['test/broker/c.test.ts', '[MQTT-3.1.2-22] x'],
    ])

    expect(errors).toEqual([
      'test/broker/c.test.ts: MQTT-3.1.2-22 names no version in the title: [MQTT-3.1.2-22] x',
      'MQTT 5.0: MQTT-9.9.9-9 does not exist: test/broker/b.test.ts: a group: x',
    ])
  })
})

describe('the copies of statements and semantics', () => {
  const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8')

  it('hold every statement once', () => {
    const { v311, v5, semantics } = JSON.parse(read('statements.json'))
    const numbered = (list: { id: string }[]): number => list.filter(({ id }) => id.startsWith('MQTT-')).length
    expect([numbered(v311), v311.length, numbered(v5), v5.length]).toEqual([141, 156, 251, 330])

    for (const list of [v311, v5, semantics]) {
      const ids = list.map(({ id }: { id: string }) => id)
      expect(ids).toEqual([...new Set(ids)])
    }
  })

  const isWhole = existsSync(join(dirname(specFolder), 'semantics.md'))
  itWithSpec('are those of the originals at hand', () => {
    if (!isWhole) throw new Error(`no semantics.md beside ${specFolder}`)
    const originals = copyStatements((file) => readFileSync(join(dirname(specFolder), file), 'utf8'))

    expect(JSON.parse(read('statements.json'))).toEqual(originals)
  })
})
