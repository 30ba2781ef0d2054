import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { statementIds } from '../vectors/spec.ts'

/** Ids that open the titles of a file's tests, in their order. */
function provenIn(file: string): string[] {
  const source = readFileSync(new URL(file, import.meta.url), 'utf8')
  return [...source.matchAll(/\bit\('\[((?:MQTT|U5|U311)-[\d.]+-\d+)\] /g)].map(([, id]) => id!)
}

describe.each([
  ['3.1.1', './v311/codec.test.ts', statementIds.v311],
  ['5.0', './v5/codec.test.ts', statementIds.v5],
] as const)('statements of MQTT %s that bytes can prove', (_, file, { all, codec }) => {
  const proven = provenIn(file)

  it('each have one test', () => {
    expect(proven.toSorted()).toEqual(codec.toSorted())
  })

  it('exist', () => {
    expect(proven.filter((id) => !all.includes(id))).toEqual([])
  })
})
