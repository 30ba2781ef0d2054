import { performance } from 'node:perf_hooks'
import { ExitCode } from '../exit-code.ts'

/** `note`: it works, but is worth knowing; `skipped`: could not be tried. */
export type Status = 'ok' | 'note' | 'failed' | 'skipped'

/** What one probe found out. */
export interface Finding {
  /** `DNS`, `TCP`, `TLS`, `WebSocket`, `MQTT 5.0`, or the name of a limit */
  readonly step: string
  readonly status: Status
  /** what was seen: may hold text of a stranger */
  readonly text: string
  /** the likely cause, a sentence; absent when all is well */
  readonly cause?: string
  /** what to try, a sentence */
  readonly remedy?: string
  /** of a failure; DONE otherwise */
  readonly exitCode: ExitCode
  /** how long the probe took; null when nothing was asked over the network */
  readonly ms: number | null
  /** for programs: what the text says, in numbers and names */
  readonly details?: Readonly<Record<string, unknown>>
}

/** What a finding says beside step, status and text. */
export type FindingExtras = Partial<Omit<Finding, 'step' | 'status' | 'text'>>

/** A finding that is no failure. */
export function finding(
  step: string,
  status: Exclude<Status, 'failed'>,
  text: string,
  extras: FindingExtras = {},
): Finding {
  return { step, status, text, exitCode: ExitCode.DONE, ms: null, ...extras }
}

/** A finding that ends the way to the broker. */
export function failure(step: string, exitCode: ExitCode, text: string, extras: FindingExtras = {}): Finding {
  return { step, status: 'failed', text, ms: null, ...extras, exitCode }
}

/** @returns milliseconds since then, with one decimal */
export function since(startMs: number): number {
  return Math.round((performance.now() - startMs) * 10) / 10
}

/** The answer did not come within the time of a probe. */
export class ProbeTimeout extends Error {
  override readonly name = 'ProbeTimeout'
}

/** @throws ProbeTimeout (rejects) when the promise takes longer; whatever becomes of it then is ignored */
export async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ProbeTimeout(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
