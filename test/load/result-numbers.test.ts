import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { isResultNumber, resultNumbers } from '../../src/load/result-numbers.ts'

const schema = JSON.parse(readFileSync(new URL('../../schema/bench-result.schema.json', import.meta.url), 'utf8'))

interface Node {
  readonly $ref?: string
  readonly type?: string | string[]
  readonly properties?: Record<string, Node>
  readonly items?: Node
}

function numbersIn(node: Node, name: string): string[] {
  if (node.$ref !== undefined) return numbersIn(schema.$defs[node.$ref.split('/').at(-1)!], name)
  const inner = (own: string): string => (name === '' ? own : `${name}.${own}`)
  if (node.properties !== undefined)
    return Object.entries(node.properties).flatMap(([own, one]) => numbersIn(one, inner(own)))
  if (node.items !== undefined) return numbersIn(node.items, inner('0'))
  return ['number', 'boolean'].some((type) => [node.type].flat().includes(type)) ? [name] : []
}

it('names the numbers that the schema has, and no others', () => {
  const all = numbersIn(schema, '')

  expect(all.filter((name) => !isResultNumber(name))).toEqual([])
  expect(resultNumbers.toSorted()).toEqual(all.filter((name) => !name.includes('.0.')).toSorted())
})

it.each(['latency.p99', 'steps.x.rate', 'steps.0', 'samples.0.rate', 'toString', 'config.', 'steps.0.rate.x'])(
  'knows no %s',
  (name) => {
    expect(isResultNumber(name)).toBe(false)
  },
)
