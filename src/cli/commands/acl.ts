import { readFile } from 'node:fs/promises'
import { parseAclFile } from '../../access/acl-file.ts'
import { AccessFileError } from '../../access/file-error.ts'
import { judgeTopicFilter, judgeTopicName, Right, type Verdict } from '../../access/rules.ts'
import { parseSharedFilter } from '../../topic/topic-filter.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import type { aclRows } from '../options/acl.ts'
import { readOperand } from '../options/operand.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { topicFilter, topicName } from '../options/values.ts'

const QUESTIONS = ['read', 'write', 'subscribe']
const rightNames: Readonly<Record<Right, string>> = {
  [Right.NONE]: 'deny',
  [Right.READ]: 'read',
  [Right.WRITE]: 'write',
  [Right.READ_AND_WRITE]: 'readwrite',
}

/** `mqtt-kit acl check`: what an ACL file says. */
export async function run(parsed: Parsed<typeof aclRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed)
  const [verb, path, question, topic, ...more] = parsed.operands
  if (verb !== 'check' || path === undefined) throw new UsageError('expected check and the name of a file')
  if (more.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(more[0])}`)
  const rules = await readRules(path)
  if (question === undefined) {
    context.stdout.write(`${path}: ${rules.size} ${rules.size === 1 ? 'rule' : 'rules'}, no mistakes\n`)
    return ExitCode.DONE
  }
  if (!QUESTIONS.includes(question) || topic === undefined) {
    throw new UsageError('a question is read TOPIC, write TOPIC or subscribe FILTER')
  }
  const sets = rules.of(typed.user ?? null, typed.id ?? 'client')
  const verdict =
    question === 'subscribe'
      ? judgeTopicFilter(sets, withoutShare(readOperand(topicFilter, topic)))
      : judgeTopicName(sets, readOperand(topicName, topic), question === 'read' ? Right.READ : Right.WRITE)
  context.stdout.write(`${describe(verdict, path)}\n`)
  if (verdict.allowed) return ExitCode.DONE
  return question === 'write' ? ExitCode.PUBLISH_REFUSED : ExitCode.SUBSCRIBE_REFUSED
}

async function readRules(path: string) {
  try {
    return parseAclFile(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof AccessFileError) throw new Failure(ExitCode.USAGE, error.message, error)
    throw new Failure(ExitCode.USAGE, `cannot read ${path}: ${(error as Error).message}`, error)
  }
}

function withoutShare(filter: string): string {
  return parseSharedFilter(filter)?.topicFilter ?? filter
}

function describe({ allowed, rule }: Verdict, path: string): string {
  if (rule === null) return 'denied: no rule mentions it'
  return `${allowed ? 'allowed' : 'denied'}: ${path}:${rule.line}: ${rightNames[rule.right]} ${rule.topicFilter}`
}
