// Builds dist/: the library by tsc (ES modules with declarations), the command line by esbuild (one CommonJS file with all of
// it, and one for each command that is started often, with nothing of the others), and the pages of `serve --http`.
// Both are written beside dist/ and moved there only when both succeeded, so dist/ is never half a build.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const require = createRequire(import.meta.url)
process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const OUTPUT = 'dist'
const UNFINISHED = 'dist.new'

/** Commands with a file of their own, which bin/mqtt-kit.cjs knows: half as much to read and to parse at each start. */
const OFTEN = ['inspect', 'pub', 'serve', 'sub']

/** Decoders that sub needs seldom, in a file beside its own. */
const STRUCTURED = 'src/inspect/payload/structured.ts'

await rm(UNFINISHED, { recursive: true, force: true })
const outcomes = await Promise.allSettled([
  buildLibrary(),
  buildCommandLine('mqtt-kit'),
  buildPages(),
  ...OFTEN.map((command) => buildCommandLine(command, [without(command)])),
  buildPart(STRUCTURED, 'structured-payloads'),
])
const failures = outcomes.filter((outcome) => outcome.status === 'rejected')
if (failures.length === 0) {
  await rm(OUTPUT, { recursive: true, force: true })
  await rename(UNFINISHED, OUTPUT)
} else {
  await rm(UNFINISHED, { recursive: true, force: true })
  for (const failure of failures) console.error(`build failed: ${failure.reason.message}`)
  process.exitCode = 1
}

async function buildLibrary() {
  const tsc = require.resolve('typescript/package.json').replace('package.json', 'bin/tsc')
  const compiler = spawn(process.execPath, [tsc, '--project', 'tsconfig.build.json', '--outDir', UNFINISHED], {
    stdio: 'inherit',
  })
  const [exitCode] = await once(compiler, 'exit')
  if (exitCode !== 0) throw new Error(`tsc ended with ${exitCode}`)
}

/**
 * Leaves out what commands.ts loads for other commands, and what program.ts loads for profiles: bin/mqtt-kit.cjs takes the file with
 * everything then.
 * @param {string} kept
 * @returns {import('esbuild').Plugin}
 */
function without(kept) {
  return {
    name: 'without-other-commands',
    setup({ onResolve, onLoad }) {
      /** @type {string[]} */
      let own = []
      onLoad({ filter: /cli\/commands\.ts$/ }, async ({ path }) => {
        const contents = await readFile(path, 'utf8')
        // with the commands within it: `inspect encode`
        const entries = contents.split(/(?=^ {2}\{$)/m).filter((entry) => new RegExp(`name: '${kept}[ ']`).test(entry))
        own = entries.flatMap((entry) => [...entry.matchAll(/import\('([^']+)'\)/g)].map(([, module = '']) => module))
        if (entries.length === 0 || own.length !== 2 * entries.length) {
          throw new Error(`commands.ts has no entry of two imports for ${kept}`)
        }
        return { contents, loader: 'ts' }
      })
      onResolve({ filter: /./ }, ({ path, importer, kind }) => {
        if (kind !== 'dynamic-import' || !importer.endsWith('cli/commands.ts') || own.includes(path)) return undefined
        return { path, external: true }
      })
      onResolve({ filter: /^\.\/configuration\// }, ({ path, importer, kind }) =>
        kind === 'dynamic-import' && importer.endsWith('cli/program.ts') ? { path, external: true } : undefined,
      )
    },
  }
}

/**
 * Takes a file beside the command lines for what is imported only when it is needed.
 * @returns {import('esbuild').Plugin}
 */
function structuredApart() {
  return {
    name: 'structured-apart',
    setup({ onResolve }) {
      onResolve({ filter: /payload\/structured\.ts$/ }, ({ kind }) =>
        kind === 'dynamic-import' ? { path: './structured-payloads.cjs', external: true } : undefined,
      )
    },
  }
}

/**
 * @param {string} name of the file
 * @param {import('esbuild').Plugin[]} plugins
 */
function buildCommandLine(name, plugins = []) {
  return buildPart('src/cli/main.ts', name, [structuredApart(), ...plugins])
}

/**
 * @param {string} entryPoint
 * @param {string} name of the file
 * @param {import('esbuild').Plugin[]} plugins
 */
async function buildPart(entryPoint, name, plugins = []) {
  const { version } = JSON.parse(await readFile('package.json', 'utf8'))
  await build({
    entryPoints: [entryPoint],
    outfile: `${UNFINISHED}/cli/${name}.cjs`,
    plugins,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // what V8 has kept of a program (bin/code-cache.cjs) cannot import(): require() loads ES modules as well
    supported: { 'dynamic-import': false },
    sourcemap: 'linked',
    // lines and names are enough to find a place; the sources would be in the package four times
    sourcesContent: false,
    // Less to parse at each start; names stay, so that stack traces read well.
    minifyWhitespace: true,
    minifySyntax: true,
    define: { __VERSION__: JSON.stringify(version) },
    // What is loaded only when asked for stays out: every command would have to parse it.
    external: [
      'classic-level',
      'cli-table3',
      'hdr-histogram-js',
      'jose',
      'node-forge',
      'ora',
      'prom-client',
      'protobufjs',
      'smol-toml',
      'ws',
    ],
    // import.meta is empty in CommonJS: code that needs it would fail only when run.
    logOverride: { 'empty-import-meta': 'error' },
    logLevel: 'warning',
  })
}

/** The dashboard with the engine's own client, for browsers; and the chat example with npm's mqtt. */
async function buildPages() {
  await build({
    entryPoints: ['src/page/page.ts', 'src/page/page.css'],
    outdir: `${UNFINISHED}/page`,
    plugins: [inBrowser()],
    inject: ['src/page/browser/globals.ts'],
    bundle: true,
    platform: 'browser',
    target: ['chrome111', 'firefox121', 'safari16.4'],
    format: 'esm',
    minify: true,
    logLevel: 'warning',
  })
  await mkdir(`${UNFINISHED}/page/chat`)
  const chat = 'examples/browser-chat'
  const mqtt = dirname(require.resolve('mqtt/package.json'))
  /** @type {[from: string, to: string][]} */
  const files = [
    ['src/page/index.html', 'index.html'],
    ['src/page/icon.svg', 'icon.svg'],
    [`${chat}/index.html`, 'chat/index.html'],
    [`${chat}/chat.js`, 'chat/chat.js'],
    [`${chat}/chat.css`, 'chat/chat.css'],
    [`${mqtt}/dist/mqtt.min.js`, 'chat/mqtt.min.js'],
    [`${mqtt}/LICENSE.md`, 'chat/mqtt.LICENSE.md'],
  ]
  await Promise.all(files.map(([from, to]) => copyFile(from, `${UNFINISHED}/page/${to}`)))
  const page = await readFile(`${UNFINISHED}/page/page.js`)
  const kib = [page, gzipSync(page)].map(({ length }) => Math.round(length / 1024))
  console.log(`the dashboard: ${kib[0]} KiB, ${kib[1]} KiB with gzip`)
}

/**
 * What only Node has, replaced by what stands in for it in a browser.
 * @returns {import('esbuild').Plugin}
 */
function inBrowser() {
  /** @type {Record<string, string>} */
  const replacements = {
    'node:buffer': 'src/page/browser/node-buffer.ts',
    'node:net': 'src/page/browser/node-net.ts',
    '../transport/dial.ts': 'src/page/browser/dial.ts',
  }
  return {
    name: 'in-browser',
    setup({ onResolve }) {
      onResolve({ filter: /^node:|transport\/dial\.ts$/ }, ({ path }) => {
        const replacement = replacements[path]
        return replacement === undefined
          ? { errors: [{ text: `${path} has no replacement for browsers` }] }
          : { path: resolve(replacement) }
      })
    },
  }
}
