import { rm, writeFile } from 'node:fs/promises'
import { AddressError, parseAddress } from '../../transport/address.ts'
import { TransportError } from '../../transport/transport-error.ts'
import type { DevelopmentCertificate } from '../configuration/tls-dev.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'

/** URLs that are ready. */
export interface Ready {
  readonly listeners: readonly string[]
  /** of --http */
  readonly http?: string | undefined
}

/** What was typed about the ready line. */
export interface ReadyOptions {
  readonly json?: boolean
  readonly readyFile?: string
}

/** What a listener that cannot be opened ends a command with. */
export function listeningFailure(error: unknown): unknown {
  if (error instanceof TransportError) return new Failure(ExitCode.CANNOT_CONNECT, error.message, error)
  if (error instanceof AddressError) return new UsageError(error.message)
  return error
}

/** Removes the ready line of an earlier run. @throws Failure OUTPUT */
export async function forgetReady(readyFile: string | undefined): Promise<void> {
  if (readyFile !== undefined) await withFile(readyFile, (path) => rm(path, { force: true }))
}

/** Prints the one line that says that all listeners are open. @throws Failure OUTPUT for --ready-file */
export async function announce({ listeners, http }: Ready, typed: ReadyOptions, context: Context): Promise<void> {
  const urls = http === undefined ? listeners : [...listeners, http]
  const line = typed.json
    ? JSON.stringify({ event: 'ready', pid: context.streams.pid, listeners, http })
    : `mqtt-kit ready ${urls.join(' ')}`
  if (typed.readyFile !== undefined) await withFile(typed.readyFile, (path) => writeFile(path, `${line}\n`))
  context.stdout.write(`${line}\n`)
}

async function withFile(path: string, action: (path: string) => Promise<void>): Promise<void> {
  try {
    await action(path)
  } catch (error) {
    throw new Failure(ExitCode.OUTPUT, `cannot write --ready-file ${path}: ${(error as Error).message}`, error)
  }
}

/** Says what clients need to believe a certificate of --tls-dev. */
export function tellClients(
  { fingerprint, caFile }: DevelopmentCertificate,
  listeners: readonly string[],
  { talk }: Context,
): void {
  talk.say(`development CA ${caFile}, SHA-256 fingerprint ${fingerprint}`)
  for (const url of listeners.filter((one) => /^(?:mqtts|wss):/.test(one))) {
    talk.say(`clients: mqtt-kit sub ${url} -t '#' --trust ${fingerprint}`)
    if (url.startsWith('mqtts:')) {
      const { host, port } = parseAddress(url).address
      talk.say(`others: mosquitto_sub -h ${host} -p ${port} -t '#' --cafile ${caFile}`)
    }
  }
}
