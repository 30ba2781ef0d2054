import { type ChildProcess, fork } from 'node:child_process'
import { type PartPort, START_DELAY_MS } from './coordinator.ts'
import type { PartCommand, PartEvent } from './part.ts'
import { LoadPart } from './part.ts'

/** A part in a process of its own on this machine: its clock is ours. */
export class ProcessPart implements PartPort {
  readonly startDelayMs = START_DELAY_MS
  listener: ((event: PartEvent) => void) | null = null
  lost: ((error: Error) => void) | null = null
  readonly #child: ChildProcess
  #isClosed = false

  /** @param program with {@link servePart} behind these arguments */
  constructor(program: string, args: readonly string[]) {
    this.#child = fork(program, [...args], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#child.on('message', (event) => this.listener?.(event as PartEvent))
    this.#child.on('error', (error) => this.lost?.(error))
    this.#child.on('exit', (code, signal) => {
      if (!this.#isClosed) this.lost?.(new Error(`a worker ended with ${signal ?? code}`))
    })
  }

  send(command: PartCommand): void {
    this.#child.send(command)
  }

  async clockErrorMs(): Promise<number> {
    return 0
  }

  close(): void {
    this.#isClosed = true
    if (this.#child.connected) this.#child.disconnect()
  }
}

/** The other end of {@link ProcessPart}. Resolves when whoever started this process lets go of it. */
export function servePart(self: NodeJS.Process): Promise<void> {
  const part = new LoadPart((event) => void self.send?.(event))
  self.on('message', (command) => part.do(command as PartCommand))
  return new Promise((resolve) => self.on('disconnect', () => resolve()))
}
