// Builds dist/: the library by tsc (ES modules with declarations), the command line by esbuild (one CommonJS file).
// Both are written beside dist/ and moved there only when both succeeded, so dist/ is never half a build.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const require = createRequire(import.meta.url)
process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const OUTPUT = 'dist'
const UNFINISHED = 'dist.new'

await rm(UNFINISHED, { recursive: true, force: true })
const outcomes = await Promise.allSettled([buildLibrary(), buildCommandLine()])
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

async function buildCommandLine() {
  const { version } = JSON.parse(await readFile('package.json', 'utf8'))
  await build({
    entryPoints: ['src/cli/main.ts'],
    outfile: `${UNFINISHED}/cli/mqtt-kit.cjs`,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'linked',
    // Less to parse at each start; names stay, so that stack traces read well.
    minifyWhitespace: true,
    minifySyntax: true,
    define: { __VERSION__: JSON.stringify(version) },
    // What is loaded only when asked for stays out: every command would have to parse it.
    external: ['node-forge', 'prom-client', 'smol-toml', 'ws'],
    // import.meta is empty in CommonJS: code that needs it would fail only when run.
    logOverride: { 'empty-import-meta': 'error' },
    logLevel: 'warning',
  })
}
