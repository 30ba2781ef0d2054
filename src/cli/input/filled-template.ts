import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { ValueError } from '../options/option-row.ts'

/** `{{name argument ...}}` */
const PLACEHOLDER = /\{\{\s*([a-z]+)((?:\s+-?\d+)*)\s*\}\}/g
const ANY_BRACES = /\{\{.*?\}\}/
const MAXIMUM_RANDOM_BYTES = 65_536
/** randomInt takes spans below 2^48 */
const MAXIMUM_SPAN = 2 ** 48 - 1

type Filling = (index: number, now: Date, numbers: readonly number[]) => string

/** What may stand in braces. */
const fillings: Readonly<Record<string, Filling>> = {
  n: (index, _, [first = 1]) => String(first + index - 1),
  time: (_, now) => now.toISOString(),
  ms: (_, now) => String(now.getTime()),
  s: (_, now) => String(Math.floor(now.getTime() / 1000)),
  random: (_, __, [minimum = 0, maximum = 100]) => {
    if (minimum > maximum || maximum - minimum >= MAXIMUM_SPAN)
      throw new ValueError('{{random MIN MAX}}, MIN not above MAX')
    return String(randomInt(minimum, maximum + 1))
  },
  hex: (_, __, [bytes = 8]) => {
    if (bytes < 0 || bytes > MAXIMUM_RANDOM_BYTES)
      throw new ValueError(`{{hex BYTES}} with at most ${MAXIMUM_RANDOM_BYTES}`)
    return randomBytes(bytes).toString('hex')
  },
  uuid: () => randomUUID(),
}

/**
 * Fills the placeholders of a text: `{{n}}` (which message it is; `{{n 100}}` begins there), `{{time}}`, `{{ms}}`, `{{s}}`,
 * `{{random MIN MAX}}`, `{{hex BYTES}}`, `{{uuid}}`.
 *
 * @param index which message it is, from 1 up
 * @throws ValueError for other placeholders
 */
export function filled(template: string, index: number, now: Date): string {
  const text = template.replace(PLACEHOLDER, (whole, name: string, numbers: string) => {
    const filling = Object.hasOwn(fillings, name) ? fillings[name]! : null
    return filling === null
      ? whole
      : filling(index, now, numbers.trim() === '' ? [] : numbers.trim().split(/\s+/).map(Number))
  })
  const left = ANY_BRACES.exec(
    template.replace(PLACEHOLDER, (whole, name: string) => (Object.hasOwn(fillings, name) ? '' : whole)),
  )
  if (left !== null) throw new ValueError(`{{${Object.keys(fillings).join('}}, {{')}}}, not ${left[0]}`)
  return text
}
