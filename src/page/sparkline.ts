import { setText } from './element.ts'
import { MAXIMUM_POINTS } from './rates.ts'

const SVG = 'http://www.w3.org/2000/svg'
const WIDTH = 120
const HEIGHT = 32

/** A small line over time, the newest at the right. Its scale begins at 0 and ends at the largest value. */
export class Sparkline {
  readonly element = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' })
  readonly #title = svg('title', {})
  readonly #area = svg('path', { class: 'area' })
  readonly #line = svg('path', { class: 'curve' })

  constructor() {
    this.element.append(this.#title, this.#area, this.#line)
  }

  /** @param text what is seen, in words */
  draw(points: readonly number[], text: string): void {
    setText(this.#title, text)
    const top = Math.max(...points, 1)
    const step = WIDTH / (MAXIMUM_POINTS - 1)
    const first = MAXIMUM_POINTS - points.length
    const places = points.map((value, index) => {
      const y = HEIGHT - 1 - (value / top) * (HEIGHT - 2)
      return `${((first + index) * step).toFixed(2)},${y.toFixed(2)}`
    })
    const line = places.length < 2 ? '' : `M${places.join('L')}`
    this.#line.setAttribute('d', line)
    this.#area.setAttribute('d', line === '' ? '' : `${line}V${HEIGHT}H${(first * step).toFixed(2)}Z`)
  }
}

function svg<Name extends keyof SVGElementTagNameMap>(name: Name, attributes: { readonly [name: string]: string }) {
  const made = document.createElementNS(SVG, name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  return made
}
