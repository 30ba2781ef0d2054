import { stat } from 'node:fs/promises'
import { exportLines } from '../../store/portable/export.ts'
import { LineError } from '../../store/portable/fields.ts'
import { importLines } from '../../store/portable/import.ts'
import type { SessionLine, StoreLine } from '../../store/portable/lines.ts'
import type { Store } from '../../store/store.ts'
import { openStoreFolder, removeStoreFiles } from '../../store/store-folder.ts'
import { storeFailure } from '../configuration/open-store.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { linesOf } from '../input/lines-of.ts'
import { merged, type Parsed } from '../options/parse.ts'
import type { storeRows } from '../options/store.ts'
import { writeLines } from '../output/write-lines.ts'

const VERBS = ['list', 'show', 'export', 'import'] as const
type Verb = (typeof VERBS)[number]

/** `mqtt-kit store`: what is in the directory of serve --data. */
export async function run(parsed: Parsed<typeof storeRows>, context: Context): Promise<ExitCode> {
  const { verb, folder, clientId } = understand(parsed.operands)
  const asJson = merged(parsed).json ?? false
  try {
    if (verb === 'import') await importInto(folder, context)
    else await read(folder, context, (store) => answer(verb, store, clientId, asJson))
    return ExitCode.DONE
  } catch (error) {
    if (error instanceof LineError) throw new Failure(ExitCode.USAGE, `${error.message}; nothing was imported`, error)
    throw storeFailure(error)
  }
}

function understand(operands: readonly string[]): { verb: Verb; folder: string; clientId: string } {
  const hasVerb = VERBS.includes(operands[0] as Verb)
  const verb = hasVerb ? (operands[0] as Verb) : 'list'
  const [folder, clientId, ...more] = hasVerb ? operands.slice(1) : operands
  if (folder === undefined) throw new UsageError(`expected ${VERBS.join(', ')} and the directory of a store`)
  if (verb === 'show' && clientId === undefined)
    throw new UsageError('expected the client identifier of a session to show')
  const [unexpected] = verb === 'show' ? more : [clientId, ...more]
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(unexpected)}`)
  return { verb, folder, clientId: clientId ?? '' }
}

async function read(folder: string, context: Context, lines: (store: Store) => AsyncIterable<string>): Promise<void> {
  // openStoreFolder would make one
  await stat(folder).catch((error: Error) => {
    throw new Failure(ExitCode.USAGE, `cannot read the store ${folder}: ${error.message}`, error)
  })
  const store = await openStoreFolder(folder, { durability: 'process', note: (text) => context.talk.say(text) })
  try {
    await writeLines(context.stdout, lines(store))
  } finally {
    await store.close()
  }
}

function answer(verb: Exclude<Verb, 'import'>, store: Store, clientId: string, asJson: boolean): AsyncIterable<string> {
  const lines = exportLines(store)
  if (verb === 'export') return asText(lines)
  return verb === 'show' ? show(lines, clientId) : list(lines, asJson)
}

async function* asText(lines: AsyncIterable<StoreLine>): AsyncGenerator<string> {
  for await (const line of lines) yield JSON.stringify(line)
}

async function* show(lines: AsyncIterable<StoreLine>, clientId: string): AsyncGenerator<string> {
  let isFound = false
  for await (const line of lines) {
    const isOfIt = line.kind !== 'retained' && line.clientId === clientId
    if (isOfIt) yield JSON.stringify(line)
    // what belongs to a session lies together
    else if (isFound) return
    isFound ||= isOfIt
  }
  if (!isFound) throw new UsageError(`there is no session of ${JSON.stringify(clientId)}`)
}

/** What the list says of a session. */
interface Summary {
  readonly session: SessionLine
  queued: number
  inFlight: number
  hasWill: boolean
}

async function* list(lines: AsyncIterable<StoreLine>, asJson: boolean): AsyncGenerator<string> {
  const say = asJson ? summaryObject : summaryText
  let current: Summary | null = null
  let retained = 0
  for await (const line of lines) {
    if (line.kind === 'session') {
      if (current !== null) yield say(current)
      current = { session: line, queued: 0, inFlight: 0, hasWill: false }
    } else if (line.kind === 'retained') retained++
    else if (line.kind === 'will') current!.hasWill = true
    else if (line.exchange === undefined) current!.queued++
    else current!.inFlight++
  }
  if (current !== null) yield say(current)
  yield asJson ? JSON.stringify({ retained }) : `${count(retained, 'retained message')}`
}

function summaryObject({ session, queued, inFlight, hasWill }: Summary): string {
  const { clientId, owner, disconnectedAt, sessionExpiryIntervalSeconds, subscriptions } = session
  const counts = { subscriptions: subscriptions.length, queued, inFlight, will: hasWill }
  return JSON.stringify({ clientId, owner, disconnectedAt, sessionExpiryIntervalSeconds, ...counts })
}

function summaryText({ session, queued, inFlight, hasWill }: Summary): string {
  const parts = [
    count(session.subscriptions.length, 'subscription'),
    `${queued} waiting`,
    `${inFlight} in flight`,
    ...(hasWill ? ['a will'] : []),
    ...(session.owner === null ? [] : [`of ${session.owner}`]),
    session.disconnectedAt === null ? 'was connected' : `away since ${session.disconnectedAt}`,
  ]
  return `${session.clientId}: ${parts.join(', ')}`
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

async function importInto(folder: string, context: Context): Promise<void> {
  const store = await openStoreFolder(folder, { durability: 'power', note: (text) => context.talk.say(text) })
  try {
    const { sessions, messages, retained } = await importLines(store, linesOf(context.streams.stdin), Date.now())
    await store.close()
    const parts = [count(sessions, 'session'), count(messages, 'message'), count(retained, 'retained message')]
    context.talk.say(`${folder} has ${parts.join(', ')}`)
  } catch (error) {
    await store.close()
    // it was empty before: half of the lines would look like all of them
    if (error instanceof LineError) await removeStoreFiles(folder)
    throw error
  }
}
