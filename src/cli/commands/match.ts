import { matches, parseSharedFilter } from '../../topic/topic-filter.ts'
import { startsWithDollar } from '../../topic/topic-name.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import type { matchRows } from '../options/match.ts'
import { readOperand } from '../options/operand.ts'
import type { Parsed } from '../options/parse.ts'
import { topicFilter, topicName } from '../options/values.ts'
import { oneLine } from '../output/talk.ts'

/** `mqtt-kit match`: which Topic Names a Topic Filter matches, and why it does not match the others. */
export async function run({ operands }: Parsed<typeof matchRows>, context: Context): Promise<ExitCode> {
  const [typedFilter, ...typedNames] = operands
  if (typedFilter === undefined || typedNames.length === 0) {
    throw new UsageError("expected a topic filter and topic names, as in match 'home/+' home/door")
  }
  const asked = readOperand(topicFilter, typedFilter)
  const filter = parseSharedFilter(asked)?.topicFilter ?? asked
  const names = typedNames.map((typed) => readOperand(topicName, typed))
  const reasons = names.map((name) => (matches(filter, name) ? null : whyNot(filter, name)))
  const lines = names.map((name, i) =>
    oneLine(reasons[i] === null ? `match     ${name}` : `no match  ${name}: ${reasons[i]}`),
  )
  context.stdout.write(`${lines.join('\n')}\n`)
  return reasons.every((reason) => reason === null) ? ExitCode.DONE : ExitCode.SUBSCRIBE_REFUSED
}

/** The first level that differs; the two must not match. */
function whyNot(filter: string, name: string): string {
  // [MQTT-4.7.2-1]
  if (startsWithDollar(name) && /^[+#]/.test(filter)) {
    return 'a wildcard on the first level matches no topic that begins with $'
  }
  const wanted = filter.split('/')
  const levels = name.split('/')
  const differing = wanted.findIndex((level, i) => level !== '+' && level !== '#' && level !== levels[i])
  if (differing >= 0 && differing < levels.length) {
    return `level ${differing + 1} is ${JSON.stringify(levels[differing])}, not ${JSON.stringify(wanted[differing])}`
  }
  const atLeast = wanted.at(-1) === '#' ? `${wanted.length - 1} or more levels` : `${count(wanted.length)}`
  return `it has ${count(levels.length)}, the filter wants ${atLeast}`
}

function count(levels: number): string {
  return levels === 1 ? '1 level' : `${levels} levels`
}
