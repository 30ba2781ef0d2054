import type { Access, Authentication, Credentials } from '../../src/broker/access.ts'

type TopicJudge = (identity: string | null, clientId: string, topic: string) => boolean

/** What a test answers for an access. */
export interface TestAnswers extends Partial<Access> {
  readonly mayPublish?: TopicJudge
  readonly maySubscribe?: TopicJudge
  readonly mayReceive?: TopicJudge
}

/** Access that a test answers; what it does not answer is allowed, and the identity is the user name. */
export function testAccess(answers: TestAnswers): Access {
  const { mayPublish, maySubscribe, mayReceive, ...others } = answers
  return {
    authenticate: ({ userName }) => ({ identity: userName }),
    beginEnhanced: () => null,
    rightsOf: (identity, clientId) => ({
      mayPublish: (topicName) => mayPublish?.(identity, clientId, topicName) ?? true,
      maySubscribe: (topicFilter) => maySubscribe?.(identity, clientId, topicFilter) ?? true,
      mayReceive: (topicName) => mayReceive?.(identity, clientId, topicName) ?? true,
    }),
    ...others,
  }
}

/** Authentication that takes as long as a test likes. */
export class SlowAuthentication {
  readonly #waiting: { readonly credentials: Credentials; readonly answer: (answer: Authentication) => void }[] = []
  #asked: () => void = () => {}

  readonly authenticate = (credentials: Credentials): Promise<Authentication> => {
    return new Promise((resolve) => {
      this.#waiting.push({ credentials, answer: resolve })
      this.#asked()
    })
  }

  /** Awaits the next question. @returns how to answer it; resolves when the broker has acted on it */
  async asked(): Promise<(answer: Authentication) => Promise<void>> {
    while (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#asked = resolve))
    const { answer } = this.#waiting.shift()!
    return async (given) => {
      answer(given)
      // the broker goes on in a later microtask
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
