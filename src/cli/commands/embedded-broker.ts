import { spawn } from 'node:child_process'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'

/** A broker that was started for this run. */
export interface EmbeddedBroker {
  readonly url: string
  readonly pid: number
  stop(): void
}

/**
 * Starts `mqtt-kit serve` in a process of its own on a free port of loopback; it ends with this process, whatever ends that.
 * @throws Failure (rejects) when it does not start
 */
export function startEmbeddedBroker(program: string): Promise<EmbeddedBroker> {
  const args = [
    program,
    'serve',
    '-p',
    '0',
    '--json',
    '--stdin-guard',
    '--sys-interval',
    '0',
    '--max-connections',
    '1000000',
  ]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    let said = ''
    child.on('error', (error) => reject(new Failure(ExitCode.OWN_FAULT, `cannot start a broker: ${error.message}`)))
    child.on('exit', (code) => reject(new Failure(ExitCode.OWN_FAULT, `the embedded broker ended with ${code}`)))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (!said.includes('\n')) return
      const { pid, listeners } = JSON.parse(said) as { pid: number; listeners: string[] }
      resolve({ url: listeners[0]!, pid, stop: () => child.stdin.end() })
    })
  })
}
