import type { Publish } from '../../codec/packets/publish.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import { describeProperties } from '../output/json-lines.ts'
import type { MessageSink, SinkOwner } from './message-sink.ts'
import { ShellJob, type ShellRun } from './shell-command.ts'

/** Messages that wait for a command before no more are read from the broker. */
const WAITING_MESSAGES = 64

/** Runs a shell command for each message: the payload on stdin, all else in the environment. */
export class CommandSink implements MessageSink {
  readonly #command: string
  readonly #jobs: number
  readonly #context: Context
  readonly #owner: SinkOwner
  readonly #waiting: ShellRun[] = []
  readonly #running = new Set<ShellJob>()
  #failed = 0
  #isStopped = false
  #idle: (() => void) | null = null

  /** @param jobs commands at once; with one, they run in the order of the messages */
  constructor(command: string, jobs: number, context: Context, owner: SinkOwner) {
    this.#command = command
    this.#jobs = jobs
    this.#context = context
    this.#owner = owner
  }

  take({ message, qos, subscriptionIdentifiers }: Publish): void {
    this.#waiting.push({
      command: this.#command,
      input: Buffer.from(message.payload),
      environment: {
        MQTT_TOPIC: message.topicName,
        MQTT_QOS: String(qos),
        MQTT_RETAIN: message.retain ? '1' : '0',
        MQTT_PROPERTIES: JSON.stringify(describeProperties(message.properties, subscriptionIdentifiers)),
      },
    })
    if (this.#waiting.length >= WAITING_MESSAGES) this.#owner.client.pauseMessages()
    this.#advance()
  }

  async finish(isStopped: boolean): Promise<void> {
    if (isStopped) {
      this.#isStopped = true
      this.#waiting.length = 0
      for (const job of this.#running) job.stop()
      return
    }
    if (this.#running.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    if (this.#failed === 0) return
    const messages = this.#failed === 1 ? '1 message' : `${this.#failed} messages`
    throw new Failure(ExitCode.OUTPUT, `the command failed for ${messages}`)
  }

  #advance(): void {
    while (this.#running.size < this.#jobs) {
      const run = this.#waiting.shift()
      if (run === undefined) break
      this.#start(run)
    }
    if (this.#waiting.length < WAITING_MESSAGES / 2 && !this.#owner.ending.isOver) this.#owner.client.resumeMessages()
    if (this.#running.size === 0) this.#idle?.()
  }

  #start(run: ShellRun): void {
    const job = new ShellJob(run, this.#context, 'inherit', (failure) => {
      this.#running.delete(job)
      if (this.#isStopped) return
      if (failure !== null) {
        this.#failed++
        this.#context.talk.say(`the command ${failure}: message on ${JSON.stringify(run.environment['MQTT_TOPIC'])}`)
      }
      this.#advance()
    })
    this.#running.add(job)
  }
}
