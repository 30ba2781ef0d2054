import { type Deadline, type Deadlines, NOT_WATCHED } from './deadlines.ts'
import { LoadAverages } from './load-averages.ts'
import type { MessageExchange } from './message-exchange.ts'
import { type Observed, staticSysValues, sysValues } from './sys-topics.ts'

/** Publishes the `$SYS` tree again and again. */
export class SysPublisher implements Deadline {
  deadlineMs = Number.POSITIVE_INFINITY
  deadlinePlace = NOT_WATCHED
  readonly #observed: Observed
  readonly #exchange: MessageExchange
  readonly #deadlines: Deadlines
  readonly #intervalMs: number
  readonly #load: LoadAverages

  /** @param intervalSeconds 0: never */
  constructor(
    observed: Observed,
    exchange: MessageExchange,
    deadlines: Deadlines,
    intervalSeconds: number,
    nowMs: number,
  ) {
    this.#observed = observed
    this.#exchange = exchange
    this.#deadlines = deadlines
    this.#intervalMs = intervalSeconds * 1000
    this.#load = new LoadAverages(nowMs)
  }

  start(nowMs: number): void {
    if (this.#intervalMs === 0) return
    for (const [topicName, value] of staticSysValues(this.#observed.gauges)) {
      this.#exchange.publishOwn(topicName, value, nowMs)
    }
    this.deadlinePassed(nowMs)
    this.#deadlines.watch(this)
  }

  deadlinePassed(nowMs: number): void {
    this.deadlineMs = nowMs + this.#intervalMs
    for (const [topicName, value] of sysValues(this.#observed, this.#load.update(this.#observed.metrics, nowMs))) {
      this.#exchange.publishOwn(topicName, value, nowMs)
    }
  }
}
