import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'

/** The end of a command. Many things may end it; the first one does. */
export class Ending {
  /** the exit code; rejects with what {@link fail} was given */
  readonly ended: Promise<ExitCode>
  #isOver = false
  #resolve!: (exitCode: ExitCode) => void
  #reject!: (error: unknown) => void

  constructor() {
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // whoever waits hears of it; until somebody does, it is no unhandled rejection
    this.ended.catch(() => {})
  }

  get isOver(): boolean {
    return this.#isOver
  }

  with(exitCode: ExitCode): void {
    this.#isOver = true
    this.#resolve(exitCode)
  }

  fail(error: unknown): void {
    this.#isOver = true
    this.#reject(error)
  }
}

/**
 * Ends with code 27 when the time of `-W`, counted from the start of the process, is over.
 * @param unfinished says what did not come: `2 of 5 messages`
 * @returns stops the watch
 */
export function watchTimeout(ending: Ending, timeoutMs: number | undefined, unfinished: () => string): () => void {
  if (timeoutMs === undefined) return () => {}
  const passed = (): void => {
    ending.fail(new Failure(ExitCode.TIMEOUT, `timeout after ${timeoutMs / 1000} s: ${unfinished()}`))
  }
  // performance.now() counts from the start of the process
  const timer = setTimeout(passed, Math.max(0, timeoutMs - performance.now()))
  return () => clearTimeout(timer)
}

/**
 * Waits for something that comes before there is anything to end.
 * @param unfinished says what did not come
 * @throws Failure (rejects) with code 27 when the time of `-W` is over first
 */
export async function inTime<T>(promise: Promise<T>, timeoutMs: number | undefined, unfinished: string): Promise<T> {
  const ending = new Ending()
  const stopWatch = watchTimeout(ending, timeoutMs, () => unfinished)
  try {
    return await Promise.race([promise, ending.ended as Promise<never>])
  } finally {
    stopWatch()
  }
}

/** Ends with 130 or 143 on SIGINT or SIGTERM, or with 0 when nothing awaited is unfinished then. */
export function watchInterrupt(ending: Ending, context: Context, isUnfinished: () => boolean): void {
  context.onInterrupt((signal) => {
    if (!isUnfinished()) return ending.with(ExitCode.DONE)
    ending.with(signal === 'SIGINT' ? ExitCode.INTERRUPTED : ExitCode.TERMINATED)
  })
}

/** A command that goes on until something ends it. */
export interface EndedRun {
  readonly ending: Ending
  readonly timeoutMs: number | undefined
  /** what did not come, for the end by -W: `2 of 5 messages came` */
  progress(): string
  /** true while a signal interrupts something that was asked for */
  isUnfinished(): boolean
  /** rejects when the command cannot go on */
  start(): Promise<void>
  /** Leaves in order. @param isDone true: all that was asked for has come, and what is under way may be waited for */
  leave(isDone: boolean): Promise<void>
}

/**
 * Runs until the ending, by itself, by -W or by a signal, and leaves.
 * @throws Failure (rejects) what it ended with
 */
export async function runToEnd(run: EndedRun, context: Context): Promise<ExitCode> {
  const { ending } = run
  const stopWatch = watchTimeout(ending, run.timeoutMs, () => run.progress())
  watchInterrupt(ending, context, () => run.isUnfinished())
  run.start().catch((error) => ending.fail(error))
  let isDone = false
  try {
    const exitCode = await ending.ended
    isDone = exitCode === ExitCode.DONE
    return exitCode
  } finally {
    stopWatch()
    await run.leave(isDone)
  }
}
