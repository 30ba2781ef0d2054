import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Publish } from '../../codec/packets/publish.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { messageFileName, topicFolders } from '../output/message-file.ts'
import type { MessageSink, SinkOwner } from './message-sink.ts'

/** Writes each payload into a file of its own: a folder per topic level. */
export class DirectorySink implements MessageSink {
  readonly #directory: string
  readonly #owner: SinkOwner
  #count = 0

  /** @throws UsageError when the directory cannot be made */
  constructor(directory: string, owner: SinkOwner) {
    this.#directory = directory
    this.#owner = owner
    try {
      mkdirSync(directory, { recursive: true })
    } catch (error) {
      throw new UsageError(`--output-dir ${directory}: ${(error as Error).message}`)
    }
  }

  take({ message }: Publish): void {
    const folder = join(this.#directory, ...topicFolders(message.topicName))
    const path = join(folder, messageFileName(new Date(), ++this.#count))
    try {
      mkdirSync(folder, { recursive: true })
      writeFileSync(path, message.payload, { flag: 'wx' })
    } catch (error) {
      const failure = new Failure(ExitCode.OUTPUT, `cannot write ${path}: ${(error as Error).message}`, error)
      this.#owner.client.pauseMessages()
      this.#owner.ending.fail(failure)
    }
  }

  async finish(): Promise<void> {}
}
