import type { Context } from './context.ts'
import type { ExitCode } from './exit-code.ts'
import type { CommandSpec } from './options/command-spec.ts'
import type { OptionRows } from './options/option-row.ts'
import type { Parsed } from './options/parse.ts'

/** One command: what is known about it, and the file that does it; each loaded when asked for. */
export interface CommandEntry {
  /** one word, or the words of a command within a command: `inspect encode` */
  readonly name: string
  spec(): Promise<CommandSpec>
  load(): Promise<CommandModule>
}

/** What a file of commands/ offers. */
export interface CommandModule {
  /** @throws Failure for everything that ends the command with a message */
  run(parsed: Parsed<OptionRows>, context: Context): Promise<ExitCode>
}

/** All commands, in the order of help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'serve',
    spec: async () => (await import('./options/serve.ts')).serveSpec,
    load: () => import('./commands/serve.ts'),
  },
  {
    name: 'pub',
    spec: async () => (await import('./options/publish.ts')).publishSpec,
    load: () => import('./commands/pub.ts'),
  },
  {
    name: 'sub',
    spec: async () => (await import('./options/subscribe.ts')).subscribeSpec,
    load: () => import('./commands/sub.ts'),
  },
  {
    name: 'rr',
    spec: async () => (await import('./options/request.ts')).requestSpec,
    load: () => import('./commands/rr.ts'),
  },
  {
    name: 'bench',
    spec: async () => (await import('./options/bench.ts')).benchSpec,
    load: () => import('./commands/bench.ts'),
  },
  {
    name: 'passwd',
    spec: async () => (await import('./options/passwd.ts')).passwdSpec,
    load: () => import('./commands/passwd.ts'),
  },
  {
    name: 'acl',
    spec: async () => (await import('./options/acl.ts')).aclSpec,
    load: () => import('./commands/acl.ts'),
  },
  {
    name: 'store',
    spec: async () => (await import('./options/store.ts')).storeSpec,
    load: () => import('./commands/store.ts'),
  },
  {
    name: 'inspect',
    spec: async () => (await import('./options/inspect.ts')).inspectSpec,
    load: () => import('./commands/inspect.ts'),
  },
  {
    name: 'inspect diff',
    spec: async () => (await import('./options/inspect-diff.ts')).inspectDiffSpec,
    load: () => import('./commands/inspect-diff.ts'),
  },
  {
    name: 'inspect encode',
    spec: async () => (await import('./options/inspect-encode.ts')).inspectEncodeSpec,
    load: () => import('./commands/inspect-encode.ts'),
  },
  {
    name: 'inspect proxy',
    spec: async () => (await import('./options/inspect-proxy.ts')).inspectProxySpec,
    load: () => import('./commands/inspect-proxy.ts'),
  },
  {
    name: 'match',
    spec: async () => (await import('./options/match.ts')).matchSpec,
    load: () => import('./commands/match.ts'),
  },
  {
    name: 'explain',
    spec: async () => (await import('./options/explain.ts')).explainSpec,
    load: () => import('./commands/explain-term.ts'),
  },
  {
    name: 'doctor',
    spec: async () => (await import('./options/doctor.ts')).doctorSpec,
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'completion',
    spec: async () => (await import('./options/completion.ts')).completionSpec,
    load: () => import('./commands/completion.ts'),
  },
]

/** The command that the words begin with, the one of most words where several do; null when there is none. */
export function findCommand(words: readonly string[]): CommandEntry | null {
  for (let count = 2; count > 0; count--) {
    const name = words.slice(0, count).join(' ')
    const entry = words.length < count ? undefined : commands.find((candidate) => candidate.name === name)
    if (entry !== undefined) return entry
  }
  return null
}

/** How many words of argv the name of a command takes. */
export function wordsOf({ name }: CommandEntry): number {
  return name.split(' ').length
}
