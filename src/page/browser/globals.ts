/** What Node has and a browser has not, as the build puts it in wherever the engine names it. */
import { Buffer as BrowserBuffer } from 'buffer/'

export { BrowserBuffer as Buffer }

const channel = new MessageChannel()
const waiting: (() => void)[] = []
channel.port1.onmessage = () => waiting.shift()?.()

export function setImmediate(action: () => void): () => void {
  waiting.push(action)
  channel.port2.postMessage(null)
  return action
}

export function clearImmediate(action: () => void): void {
  const at = waiting.indexOf(action)
  // its message comes all the same
  if (at >= 0) waiting[at] = () => {}
}
