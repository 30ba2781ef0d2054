import type { NetworkConnection } from './network-connection.ts'

/** The connections of a broker, in no order. Each knows its place: why not a Set, see Deadlines. */
export class ConnectionList {
  readonly #connections: NetworkConnection[] = []

  get size(): number {
    return this.#connections.length
  }

  add(connection: NetworkConnection): void {
    connection.listPlace = this.#connections.push(connection) - 1
  }

  /** @param connection that was added, and not yet removed */
  remove(connection: NetworkConnection): void {
    const last = this.#connections.pop()!
    if (last === connection) return
    this.#connections[connection.listPlace] = last
    last.listPlace = connection.listPlace
  }

  /** Those that are there now. */
  all(): NetworkConnection[] {
    return [...this.#connections]
  }
}
