import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const TRANSPORT_INTERFACE = [
  'transport/transport.ts',
  'transport/transport-error.ts',
  'transport/output-buffer.ts',
  'transport/tls-terms.ts',
  'transport/greeting.ts',
]

/** What a room that decides about access needs of the broker. */
const BROKER_ACCESS = ['broker/access.ts', 'broker/scram-users.ts', 'broker/user-access.ts']

/** What a broker needs to keep its state in whatever store it is given. */
const STORE_USE = [
  'store/store.ts',
  'store/journal.ts',
  'store/gathering.ts',
  'store/keys.ts',
  'store/records/message-record.ts',
  'store/records/record-writer.ts',
  'store/records/session-record.ts',
  'store/restore.ts',
  'store/stored-deliveries.ts',
  'store/stored-session.ts',
]

/** What each room may import besides itself: a room, or one file of a room. A room is a folder of src or a file in src. */
const MAY_IMPORT: Record<string, string[]> = {
  topic: [],
  authentication: [],
  codec: ['topic'],
  session: ['topic', 'codec'],
  store: ['topic', 'codec', 'session'],
  transport: [],
  broker: ['topic', 'codec', 'session', 'authentication', ...STORE_USE, ...TRANSPORT_INTERFACE],
  // opens the listeners
  'broker/listeners.ts': ['transport'],
  access: ['topic', 'codec', 'session', 'authentication', ...BROKER_ACCESS],
  client: ['topic', 'codec', 'session', 'authentication', 'transport'],
  insight: ['codec', 'session', 'broker', 'transport'],
  // runs in a browser: scripts/build.mjs puts page/browser/ in the place of what is Node's
  page: ['topic', 'codec', 'session', 'transport', 'client'],
  load: ['topic', 'codec', 'session', 'transport', 'client'],
  inspect: ['topic', 'codec'],
  proxy: ['codec', 'transport', 'inspect', 'broker/clock.ts'],
  cli: [
    'topic',
    'codec',
    'session',
    'store',
    'transport',
    'broker',
    'access',
    'insight',
    'client',
    'load',
    'inspect',
    'proxy',
  ],
  'index.ts': ['topic', 'codec', 'session', 'store', 'transport', 'broker', 'access', 'client'],
}

/** Folders and files that get their time, randomness and bytes handed in. */
const PURE = [
  'topic/',
  'codec/',
  'session/',
  'client/reconnect.ts',
  'load/pacer.ts',
  'load/histogram.ts',
  'load/plan.ts',
  'load/sequence-check.ts',
  'load/stamp.ts',
  'load/threshold.ts',
  'load/mann-whitney.ts',
  'load/comparison.ts',
  'inspect/',
  'proxy/faults.ts',
  'proxy/packet-framer.ts',
  'proxy/random.ts',
]
// the synchronous functions of zlib are from bytes to bytes
const PURE_MAY_IMPORT = ['node:buffer', 'node:zlib']
const NOT_PURE =
  /(?<![.\w$])(?:globalThis\.)?(?:Date\.now|new Date\(\)|performance\.|Math\.random|setTimeout|setInterval|setImmediate|process\.|console\.)/g

/** npm packages that files outside cli may import. */
const PACKAGES: Record<string, string[]> = {
  'page/browser/globals.ts': ['buffer/'],
  'transport/websocket.ts': ['ws'],
  'transport/websocket-dial.ts': ['ws'],
  'transport/websocket-upgrade.ts': ['ws'],
  'insight/prometheus.ts': ['prom-client'],
  'store/level/level-store.ts': ['classic-level'],
  'access/jwt-source.ts': ['jose'],
  'load/histogram.ts': ['hdr-histogram-js'],
  'inspect/payload/cbor.ts': ['cborg'],
  'inspect/payload/message-pack.ts': ['@msgpack/msgpack'],
}

interface Import {
  specifier: string
  /** The path below src of a relative import, else null. */
  file: string | null
}

/** Tokens that can hide or fake code: comments, strings, templates, regular expressions. */
const OPAQUE =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=[(,=:[!&|?{};\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//g

function withoutComments(source: string): string {
  return source.replaceAll(OPAQUE, (token) => (/^\/[/*]/.test(token) ? ' ' : token))
}

/** The source without comments, text and regular expressions; what stands in the `${}` of a template stays. */
function codeOnly(source: string): string {
  return source.replaceAll(OPAQUE, (token) => {
    const inserted = token.startsWith('`') ? [...token.matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1]) : []
    return ` ${inserted.join(' ')} `
  })
}

function importsOf(file: string, source: string): Import[] {
  const text = withoutComments(source)
  const from = /^\s*(?:import|export)\s+(?:type\s+)?[\w$*\s{},]*?\bfrom\s*['"]([^'"]+)['"]/gm
  const bare = /^\s*import\s*['"]([^'"]+)['"]/gm
  const dynamic = /\b(?:import|require)\(\s*([^)]*?)\s*\)/g
  const specifiers = [from, bare, dynamic].flatMap((form) => [...text.matchAll(form)].map((match) => match[1]!))
  return specifiers.map((quoted) => {
    const specifier = quoted.replace(/^['"](.*)['"]$/, '$1')
    return { specifier, file: specifier.startsWith('.') ? join(dirname(file), specifier) : null }
  })
}

function roomOf(file: string): string {
  return file.split('/')[0]!
}

function importProblem(file: string, { specifier, file: target }: Import, dependencies: string[]): string | null {
  const isPure = PURE.some((place) => file.startsWith(place))
  if (target !== null) {
    const allowed = [roomOf(file), ...(MAY_IMPORT[file] ?? MAY_IMPORT[roomOf(file)] ?? [])]
    if (allowed.includes(roomOf(target)) || allowed.includes(target)) return null
    return `${file} imports ${target}, but ${roomOf(file)} may import only: ${allowed.join(', ')}`
  }
  if (specifier.startsWith('node:')) {
    if (!isPure || PURE_MAY_IMPORT.includes(specifier)) return null
    return `${file} is pure and imports ${specifier}`
  }
  const packages = roomOf(file) === 'cli' ? dependencies : (PACKAGES[file] ?? [])
  if (packages.includes(specifier)) return null
  return `${file} imports ${specifier}, which is no npm package it may use (allowed: ${packages.join(', ') || 'none'})`
}

/** One line per cycle: the files in the order of their imports. */
function cycles(graph: Map<string, string[]>): string[] {
  const found: string[] = []
  const finished = new Set<string>()
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (path.includes(file) || finished.has(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    finished.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}

/**
 * @param sources path below src -> text
 * @param dependencies names of the run-time packages in package.json
 * @returns one line per broken rule
 */
function problems(sources: Record<string, string>, dependencies: string[]): string[] {
  const found: string[] = []
  const graph = new Map<string, string[]>()
  for (const [file, source] of Object.entries(sources)) {
    const code = codeOnly(source)
    const imports = importsOf(file, source)
    graph.set(
      file,
      imports.map((one) => one.file).filter((target) => target !== null),
    )
    if (!(roomOf(file) in MAY_IMPORT)) found.push(`${file} is in no room of the table`)
    found.push(...imports.map((one) => importProblem(file, one, dependencies)).filter((problem) => problem !== null))
    if (/\bexport\s+(?:type\s+)?\*/.test(code)) found.push(`${file} re-exports a whole file (export *)`)
    if (file !== 'cli/main.ts' && /\bprocess\.exit\b/.test(code)) found.push(`${file} calls process.exit`)
    if (!PURE.some((place) => file.startsWith(place))) continue
    for (const [word] of code.matchAll(NOT_PURE)) found.push(`${file} is pure and uses ${word}`)
  }
  return [...found, ...cycles(graph).map((cycle) => `cycle: ${cycle}`)]
}

describe('the rooms of src', () => {
  it('keep to the import table, stay pure where they must, and hold no cycle', () => {
    const src = fileURLToPath(new URL('../src/', import.meta.url))
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    const sources = files.map((file) => [file.replaceAll('\\', '/'), readFileSync(join(src, file), 'utf8')])
    const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

    expect(files).not.toHaveLength(0)
    expect(problems(Object.fromEntries(sources), Object.keys(dependencies))).toEqual([])
  })
})

describe('the rules', () => {
  const check = (file: string, source: string) => problems({ [file]: source }, ['chalk'])

  it.each([
    ['codec/a.ts', "import type { S } from '../session/s.ts'", 'codec/a.ts imports session/s.ts, but codec may'],
    ['topic/a.ts', "import {\n  x,\n  y as z,\n} from '../codec/b.ts'", 'topic/a.ts imports codec/b.ts, but topic may'],
    ['client/a.ts', "const b = await import('../broker/b.ts')", 'client/a.ts imports broker/b.ts, but client may'],
    ['broker/a.ts', "import { M } from '../store/memory-store.ts'", 'broker/a.ts imports store/memory-store.ts, but'],
    ['broker/a.ts', "export { c } from '../cli/c.ts'", 'broker/a.ts imports cli/c.ts, but broker may'],
    ['load/a.ts', "import '../index.ts'", 'load/a.ts imports index.ts, but load may'],
    ['transport/a.ts', "import { c } from '../topic/c.ts'", 'transport/a.ts imports topic/c.ts, but transport may'],
    ['broker/a.ts', "import chalk from 'chalk'", 'broker/a.ts imports chalk, which is no npm package it may use'],
    ['cli/a.ts', "import x from 'left-pad'", 'cli/a.ts imports left-pad, which is no npm package it may use'],
    ['codec/a.ts', "import fs from 'node:fs'", 'codec/a.ts is pure and imports node:fs'],
    ['attic/a.ts', '', 'attic/a.ts is in no room of the table'],
    ['codec/a.ts', "export * from './b.ts'", 'codec/a.ts re-exports a whole file (export *)'],
    ['broker/a.ts', 'process.exit(1)', 'broker/a.ts calls process.exit'],
    ['session/a.ts', 'const now = Date.now()', 'session/a.ts is pure and uses Date.now'],
    ['session/a.ts', `const now = \`at \${performance.now()} ms\``, 'session/a.ts is pure and uses performance.'],
    ['session/a.ts', "const q = /'/\nsetTimeout(f, 1) // don't", 'session/a.ts is pure and uses setTimeout'],
    ['client/reconnect.ts', 'return Math.random() * max', 'client/reconnect.ts is pure and uses Math.random'],
    ['inspect/network/a.ts', 'console.log(1)', 'inspect/network/a.ts is pure and uses console.'],
    ['topic/a.ts', 'globalThis.setImmediate(f)', 'topic/a.ts is pure and uses globalThis.setImmediate'],
    ['codec/a.ts', "if (process.env['X']) f()", 'codec/a.ts is pure and uses process.'],
  ])('name what is wrong in %s: %s', (file, source, start) => {
    const found = check(file, source)

    expect(found).toHaveLength(1)
    expect(found[0]).toContain(start)
  })

  it('find a cycle between files, through a type import too', () => {
    const sources = { 'codec/a.ts': "import { b } from './b.ts'", 'codec/b.ts': "import type { A } from './a.ts'" }

    expect(problems(sources, [])).toEqual(['cycle: codec/a.ts -> codec/b.ts -> codec/a.ts'])
  })

  it.each([
    [
      'codec/a.ts',
      "import { Buffer } from 'node:buffer'\nimport { t } from '../topic/t.ts'\nimport { b } from './b.ts'",
    ],
    ['codec/a.ts', "// Date.now()\n/* console.log */ const text = 'process.exit' + `setTimeout`\nthis.console.log(x)"],
    ['broker/a.ts', "import { Store } from '../store/store.ts'\nimport net from 'node:net'\nsetTimeout(f, Date.now())"],
    ['transport/websocket.ts', "const { WebSocket } = await import('ws')"],
    ['cli/main.ts', "import chalk from 'chalk'\nimport { B } from '../broker/broker.ts'\nprocess.exit(1)"],
    ['index.ts', "export { Client } from './client/client.ts'"],
  ])('accept what is right in %s: %s', (file, source) => {
    expect(check(file, source)).toEqual([])
  })
})
