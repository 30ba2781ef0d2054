import type { ClientOptions } from '../../client/client.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import { UsageError } from '../failure.ts'
import type { connectionOptions } from '../options/connection.ts'
import type { Typed } from '../options/option-row.ts'

/**
 * Moves user name and password from CONNECT into the exchange of --auth-method.
 * @throws UsageError (rejects) when one of them is missing, or the version has no enhanced authentication
 */
export async function withAuthentication(
  options: ClientOptions,
  { authMethod, reauthenticate }: Pick<Typed<typeof connectionOptions>, 'authMethod' | 'reauthenticate'>,
): Promise<ClientOptions> {
  if (authMethod === undefined) {
    if (reauthenticate !== undefined) throw new UsageError('--reauthenticate belongs to --auth-method')
    return options
  }
  const { userName, password, version = ProtocolVersion.V5, connectProperties = {} } = options
  if (version !== ProtocolVersion.V5) {
    throw new UsageError(`--auth-method needs MQTT 5.0, and -V asks for ${protocolVersionName(version)}`)
  }
  if (connectProperties.authenticationMethod !== undefined) {
    throw new UsageError('the authentication method is given twice: by --auth-method and as a property')
  }
  if (userName == null || password == null) {
    throw new UsageError('--auth-method scram-sha-256 needs a user name (-u) and a password (--password-file FILE)')
  }
  const { scramAuthentication } = await import('../../client/scram-authentication.ts')
  return { ...options, userName: null, password: null, authentication: scramAuthentication(userName, password) }
}
