import { expect } from 'vitest'
import { run } from './program.ts'

/** What `--json` prints of each finding, as far as tests look. */
export interface Seen {
  readonly step: string
  readonly status: string
  readonly text: string
  readonly cause?: string
  readonly remedy?: string
  readonly details?: Readonly<Record<string, unknown>>
}

export interface Report {
  readonly exitCode: number
  readonly findings: readonly Seen[]
}

/** Runs it with `--json`; the exit code must be the one that the object tells. */
export async function examined(url: string, ...args: string[]): Promise<Report> {
  const { exitCode, stdout, stderr } = await run(['doctor', url, '--json', ...args])
  expect(stderr).toBe('')
  const report = JSON.parse(stdout) as Report
  expect(report.exitCode).toBe(exitCode)
  return report
}

export function statuses({ findings }: Report): string[] {
  return findings.map(({ step, status }) => `${step} ${status}`)
}

export function found({ findings }: Report, step: string): Seen {
  return findings.find((one) => one.step === step)!
}

/** A failure must be explained. */
export function expectExplained({ cause, remedy }: Seen): void {
  expect(cause).toMatch(/^[A-Z].*\.$/)
  expect(remedy).toMatch(/^[A-Z].*\.$/)
}
