/**
 * A Map for what most connections, sessions and topics never have: nothing is made before the first entry. A connection has a
 * dozen of them, and an empty Map of its own takes a fifth of a kilobyte.
 */
export class SeldomMap<Key, Value> {
  #map: Map<Key, Value> | null = null

  get size(): number {
    return this.#map?.size ?? 0
  }

  get(key: Key): Value | undefined {
    return this.#map?.get(key)
  }

  has(key: Key): boolean {
    return this.#map?.has(key) ?? false
  }

  set(key: Key, value: Value): void {
    this.#map ??= new Map()
    this.#map.set(key, value)
  }

  /** @returns false when there was none */
  delete(key: Key): boolean {
    return this.#map?.delete(key) ?? false
  }

  clear(): void {
    this.#map = null
  }

  /** The key that came first; undefined when there is none. */
  first(): Key | undefined {
    return this.#map?.keys().next().value
  }

  /** In the order in which they came. */
  keys(): Iterable<Key> {
    return this.#map?.keys() ?? []
  }

  /** In the order in which the keys came. */
  values(): Iterable<Value> {
    return this.#map?.values() ?? []
  }
}
