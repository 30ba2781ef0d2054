// Draws docs/inspect.svg, the picture of the README: what `inspect` prints on a terminal with colours.
// usage: npm run build && node scripts/picture.mjs
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../bin/mqtt-kit.cjs', import.meta.url))
const PICTURE = fileURLToPath(new URL('../docs/inspect.svg', import.meta.url))
const COMMANDS = [
  ['inspect', '--mqtt', '3.1.1', '80 08 00 01 00 03 61 78 78 01'],
  ['inspect', '--mqtt', '5', '30 0b 03 00 61 2f 78 02 01 01 7b 7d 0a'],
]
const CHARACTER_WIDTH = 8.4
const LINE_HEIGHT = 19
const MARGIN = 16

/** @type {Record<string, string>} SGR code -> attributes of SVG */
const STYLES = {
  1: 'font-weight="bold" fill="#ffffff"',
  2: 'fill="#8b949e"',
  31: 'fill="#ff7b72"',
  36: 'fill="#79c0ff"',
}

const lines = COMMANDS.flatMap((args) => {
  const { stdout } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '1' },
  })
  const typed = args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg)).join(' ')
  return [`$ mqtt-kit ${typed}`, ...stdout.trimEnd().split('\n'), '']
}).slice(0, -1)

const ESCAPE = String.fromCharCode(27)
const columns = Math.max(...lines.map((line) => line.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '').length))
const width = Math.ceil(columns * CHARACTER_WIDTH + 2 * MARGIN)
const height = lines.length * LINE_HEIGHT + 2 * MARGIN
const texts = lines.map((line, index) => {
  const y = MARGIN + LINE_HEIGHT * (index + 0.75)
  return `  <text x="${MARGIN}" y="${y}">${spans(line)}</text>`
})
writeFileSync(
  PICTURE,
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
  <title>mqtt-kit inspect names the broken rule of a packet, byte by byte</title>
  <rect width="100%" height="100%" rx="8" fill="#0d1117"/>
  <g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#c9d1d9">
${texts.join('\n')}
  </g>
</svg>
`,
)

/** @param {string} line with SGR escapes */
function spans(line) {
  let style = ''
  return line
    .split(new RegExp(`${ESCAPE}\\[(\\d+)m`))
    .map((part, index) => {
      if (index % 2 === 0) return part === '' ? '' : `<tspan ${style}>${xml(part)}</tspan>`
      style = STYLES[part] ?? ''
      return ''
    })
    .join('')
}

/** @param {string} text */
function xml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll(' ', '&#160;')
}
