import type { NetworkConnection } from './network-connection.ts'

/**
 * The connections of a broker, the oldest first. Each knows its neighbours, and none when it has left: why not a Set, see
 * Deadlines.
 */
export class ConnectionList {
  #first: NetworkConnection | null = null
  #last: NetworkConnection | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  add(connection: NetworkConnection): void {
    connection.previous = this.#last
    if (this.#last === null) this.#first = connection
    else this.#last.next = connection
    this.#last = connection
    this.#size++
  }

  /** @param connection that was added, and not yet removed */
  remove(connection: NetworkConnection): void {
    const { previous, next } = connection
    if (previous === null) this.#first = next
    else previous.next = next
    if (next === null) this.#last = previous
    else next.previous = previous
    connection.previous = null
    connection.next = null
    this.#size--
  }

  /** Those that are there now. */
  all(): NetworkConnection[] {
    const all: NetworkConnection[] = []
    for (let connection = this.#first; connection !== null; connection = connection.next) all.push(connection)
    return all
  }
}
