import type { ConfiguredAccess } from '../../access/configured-access.ts'
import type { Broker } from '../../broker/broker.ts'
import type { Context } from '../context.ts'
import { Failure } from '../failure.ts'
import type { Parsed } from '../options/parse.ts'
import type { serveRows } from '../options/serve.ts'
import { needingRestart, readServeConfiguration, type ServeConfiguration } from './serve-configuration.ts'

/** What a running broker may be told anew. */
export interface Running {
  readonly broker: Broker
  readonly access: ConfiguredAccess
}

/** On each SIGHUP reads the configuration anew: all of it counts, or, when there is a mistake, nothing. */
export function reloadOnHangUp(
  parsed: Parsed<typeof serveRows>,
  started: ServeConfiguration,
  running: Running,
  { talk, environment, streams, onHangUp }: Context,
): void {
  // one after the other: two signals may come close
  let last = Promise.resolve()
  const reload = async (): Promise<void> => {
    try {
      const next = await readServeConfiguration(parsed, environment, streams.pid)
      const { tls } = next.options
      if (tls !== undefined) running.broker.setTls(tls)
      running.broker.setLimits(next.options.limits ?? {})
      running.access.replace(next.access)
      running.broker.accessChanged()
      for (const warning of next.warnings) talk.say(`warning: ${warning}`)
      const later = needingRestart(started.typed, next.typed)
      talk.say(`configuration read anew${later.length === 0 ? '' : `; ${later.join(', ')} will count after a restart`}`)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      talk.say(`the configuration stays as it was: ${error.message}`)
    }
  }
  onHangUp(() => {
    last = last.then(reload)
  })
}
