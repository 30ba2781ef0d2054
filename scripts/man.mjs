// Writes man/: one page for the program and one per command, from the options in src/cli. A test compares them.
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const source = `
import { commands } from './src/cli/commands.ts'
import { manPages } from './src/cli/manual.ts'
export const pages = async () => manPages(await Promise.all(commands.map((entry) => entry.spec())))
`
// The commands themselves are left out: what is written here depends on the options alone.
const { outputFiles } = await build({
  stdin: { contents: source, resolveDir: '.', loader: 'ts' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  write: false,
  external: ['./commands/*'],
})
const code = Buffer.from(outputFiles[0]?.contents ?? '').toString('base64')
const { pages } = await import(`data:text/javascript;base64,${code}`)
await mkdir('man', { recursive: true })
for (const [name, text] of await pages()) await writeFile(`man/${name}`, text)
