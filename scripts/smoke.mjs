// The main job with the real binary on the Node that runs this: serve, sub and pub in processes of their own.
// usage: node scripts/smoke.mjs
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const BINARY = fileURLToPath(new URL('../bin/mqtt-kit.cjs', import.meta.url))
const PATIENCE_MS = 20_000
/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()

/** `mqtt-kit ARGS` in a process of its own, and what it has written. */
class Program {
  text = ''
  /** @param {string[]} args */
  constructor(...args) {
    this.child = spawn(process.execPath, [BINARY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    children.add(this.child)
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.text += text
      })
    }
    this.exit = once(this.child, 'exit').then(([code]) => {
      children.delete(this.child)
      return code
    })
  }

  /**
   * @param {RegExp} pattern
   * @returns the first match in what it has written; rejects when it ends without
   */
  async says(pattern) {
    for (let ended = false; ; ) {
      const match = pattern.exec(this.text)
      if (match !== null) return match
      if (ended) throw new Error(`never said ${pattern}:\n${this.text}`)
      const output = [this.child.stderr, this.child.stdout].map((stream) => once(stream, 'data').then(() => false))
      ended = await Promise.race([...output, this.exit.then(() => true)])
    }
  }
}

const watchdog = setTimeout(() => {
  console.error(`no end after ${PATIENCE_MS / 1000} s`)
  for (const child of children) child.kill('SIGKILL')
  process.exit(1)
}, PATIENCE_MS)

const serve = new Program('serve', '--port', '0')
const [url] = await serve.says(/mqtt:\/\/[^\s/]+:\d+/)
const sub = new Program('sub', url, '-t', 'smoke/#', '-q', '1', '-C', '1', '-v', '-d')
await sub.says(/SUBACK/)
const pub = new Program('pub', url, '-t', 'smoke/test', '-m', 'through', '-q', '1')
const codes = [await pub.exit, await sub.exit]
serve.child.kill('SIGTERM')
codes.push(await serve.exit)
clearTimeout(watchdog)

if (!/^smoke\/test through$/m.test(sub.text)) throw new Error(`sub did not show the message:\n${sub.text}`)
if (codes.some((code) => code !== 0)) throw new Error(`exit codes of pub, sub, serve: ${codes.join(', ')}`)
console.log(`Node ${process.version}: serve, sub and pub work`)
