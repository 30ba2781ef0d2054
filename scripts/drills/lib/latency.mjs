// What others notice while something goes on.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const BYSTANDER = fileURLToPath(new URL('bystander.mjs', import.meta.url))

/**
 * @param {number} port
 * @param {() => Promise<unknown>} meanwhile
 * @returns {Promise<{ count: number, p99Ms: number }>} of the messages that a bystander sent to itself
 */
export async function latencyDuring(port, meanwhile) {
  const child = spawn(process.execPath, [BYSTANDER, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const lines = createInterface(child.stdout)
    await once(lines, 'line')
    await meanwhile()
    const line = once(lines, 'line')
    child.stdin.end()
    return JSON.parse((await line)[0])
  } finally {
    child.kill()
  }
}
