// What a test says it proves: the ids before the sentence of its title, and the side that its file stands for.

/** @typedef {'v31' | 'v311' | 'v5' | 'semantics'} List which list of statements an id belongs to */
/** @typedef {'broker' | 'client' | 'shared'} Side whose behaviour a test shows; shared: code that both sides run */

/** `[MQTT-3.1.2-22]`, `[v5:U5-4.9.0-1, v311:MQTT-4.3.1-1]`, `S-01`, one after another at the start of a title */
const CLUSTER = /^(?:(?:\[[^\]]*(?:MQTT|U5|U311|V31|[A-Z])-\d[^\]]*\]|[A-Z]-\d\d\b)[,:]?\s*)+/

/**
 * The ids that a title begins with.
 *
 * @param {string} title
 * @param {string} file path in the repository: below test/conformance/v5 a bare id means 5.0
 * @returns {{ ids: { list: List, id: string }[], sentence: string }}
 * @throws {Error} for a numbered statement without version
 */
export function parseTitle(title, file) {
  const cluster = CLUSTER.exec(title)?.[0] ?? ''
  const words = cluster
    .replaceAll(/(v5|v311):\s+/g, '$1:')
    .split(/[\s,[\]]+/)
    .filter((word) => word !== '')
  /** @type {{ list: List, id: string }[]} */
  const ids = []
  const folder = /(?:^|\/)conformance\/(v5|v311)\//.exec(file)?.[1] ?? null
  for (const [i, word] of words.entries()) {
    if (word === 'v5' || word === 'v311') continue
    const [, prefix, id] = /** @type {RegExpExecArray} */ (/^(?:(v5|v311):)?(.*?):?$/.exec(word))
    const suffix = ['v5', 'v311'].includes(words[i + 1] ?? '') ? words[i + 1] : undefined
    ids.push({
      list: listOf(/** @type {string} */ (id), prefix ?? suffix ?? folder, title),
      id: /** @type {string} */ (id),
    })
  }
  return { ids, sentence: title.slice(cluster.length) }
}

/**
 * @param {string} id
 * @param {string | null | undefined} version
 * @param {string} title
 * @returns {List}
 */
function listOf(id, version, title) {
  if (id.startsWith('U5-')) return 'v5'
  if (id.startsWith('U311-')) return 'v311'
  if (id.startsWith('V31-')) return 'v31'
  if (!id.startsWith('MQTT-')) return 'semantics'
  if (version === 'v5' || version === 'v311') return version
  throw new Error(`${id} names no version in the title: ${title}`)
}

/** Files below test/ that show one side; all others show code that both sides run. First match counts. */
const SIDES = /** @type {const} */ ([
  [/^conformance\/(?:.*\/)?server-/, 'broker'],
  [/^conformance\/(?:.*\/)?client-/, 'client'],
  [/^broker\//, 'broker'],
  [/^session\/server-/, 'broker'],
  [/^client\//, 'client'],
  [/^session\/(?:client-|subscription-requests|ping-)/, 'client'],
])

/**
 * @param {string} file path in the repository
 * @returns {Side}
 */
export function sideOf(file) {
  const path = file.replace(/^test\//, '')
  return SIDES.find(([pattern]) => pattern.test(path))?.[1] ?? 'shared'
}
