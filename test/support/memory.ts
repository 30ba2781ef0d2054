import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Resolves when what nobody refers to is gone. */
export async function collected(): Promise<void> {
  // the second collection finishes what the first has only found
  for (let i = 0; i < 2; i++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Bytes of all buffers that somebody still refers to. */
export async function bufferBytes(): Promise<number> {
  await collected()
  return process.memoryUsage().arrayBuffers
}
