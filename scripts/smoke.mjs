// The main job with the real binary on the Node that runs this: serve, sub and pub in processes of their own.
// usage: node scripts/smoke.mjs
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const BINARY = fileURLToPath(new URL('../bin/mqtt-kit.cjs', import.meta.url))
const PATIENCE_MS = 20_000
const children = new Set()

/** Starts `mqtt-kit ARGS`. @returns the process, with its output so far in `text` and a promise of its exit code in `exit` */
function start(...args) {
  const child = spawn(process.execPath, [BINARY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  child.text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (child.text += chunk))
  child.exit = once(child, 'exit').then(([code]) => {
    children.delete(child)
    return code
  })
  return child
}

/** @returns the first match of `pattern` in what `child` has written; rejects when it ends without */
async function says(child, pattern) {
  for (;;) {
    const match = pattern.exec(child.text)
    if (match !== null) return match
    const ended = await Promise.race([
      once(child.stderr, 'data'),
      once(child.stdout, 'data'),
      child.exit.then(() => 'ended'),
    ])
    if (ended === 'ended' && !pattern.test(child.text)) throw new Error(`never said ${pattern}:\n${child.text}`)
  }
}

const watchdog = setTimeout(() => {
  console.error(`no end after ${PATIENCE_MS / 1000} s`)
  for (const child of children) child.kill('SIGKILL')
  process.exit(1)
}, PATIENCE_MS)

const serve = start('serve', '--port', '0')
const [url] = await says(serve, /mqtt:\/\/[^\s/]+:\d+/)
const sub = start('sub', url, '-t', 'smoke/#', '-q', '1', '-C', '1', '-v', '-d')
await says(sub, /SUBACK/)
const pub = start('pub', url, '-t', 'smoke/test', '-m', 'through', '-q', '1')
const codes = [await pub.exit, await sub.exit]
serve.kill('SIGTERM')
codes.push(await serve.exit)
clearTimeout(watchdog)

if (!/^smoke\/test through$/m.test(sub.text)) throw new Error(`sub did not show the message:\n${sub.text}`)
if (codes.some((code) => code !== 0)) throw new Error(`exit codes of pub, sub, serve: ${codes.join(', ')}`)
console.log(`Node ${process.version}: serve, sub and pub work`)
