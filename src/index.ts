/**
 * The public API of mqtt-kit as a library: a broker to embed, for instance in tests, a client, and the codec.
 */
export { AccessRules, parseAclFile } from './access/acl-file.ts'
export {
  type AccessSettings,
  ConfiguredAccess,
  type SourceAnswer,
  type UserSource,
} from './access/configured-access.ts'
export { AccessFileError } from './access/file-error.ts'
export { HttpSource, type HttpTerms } from './access/http-source.ts'
export { JwtSource, type JwtTerms } from './access/jwt-source.ts'
export { PasswordFile } from './access/password-file.ts'
export { PasswordSource } from './access/password-source.ts'
export type {
  Access,
  Authentication,
  Controller,
  Credentials,
  EnhancedExchange,
  EnhancedStep,
} from './broker/access.ts'
export { Broker } from './broker/broker.ts'
export type { BrokerEvent, BrokerOptions } from './broker/configuration.ts'
export { type LimitName, type LimitRow, type Limits, limitRows } from './broker/limits.ts'
export { UserAccess } from './broker/user-access.ts'
export { Client } from './client/client.ts'
export { ClientError, ClientErrorKind } from './client/client-error.ts'
export type { ClientHandler, ClientOptions, PublishDone, PublishOutcome } from './client/client-options.ts'
export type { AnyPacket, ControlPacket } from './codec/control-packet.ts'
export { Decoder, decodeAll, type PacketSink } from './codec/decoder.ts'
export { encodePacket } from './codec/encoder.ts'
export { Message, type MessageOptions } from './codec/message.ts'
export { PacketType, packetTypeNames, Role } from './codec/packet-type.ts'
export { Acknowledgement } from './codec/packets/acknowledgement.ts'
export { Auth } from './codec/packets/auth.ts'
export { Connack } from './codec/packets/connack.ts'
export { Connect, type ConnectFields, type Will } from './codec/packets/connect.ts'
export { Disconnect } from './codec/packets/disconnect.ts'
export { PINGREQ, PINGRESP } from './codec/packets/ping.ts'
export { Publish } from './codec/packets/publish.ts'
export { Suback } from './codec/packets/suback.ts'
export { RetainHandling, Subscribe, type SubscriptionRequest } from './codec/packets/subscribe.ts'
export { Unsuback } from './codec/packets/unsuback.ts'
export { Unsubscribe } from './codec/packets/unsubscribe.ts'
export type { Properties, UserProperty } from './codec/property.ts'
export { ProtocolVersion } from './codec/protocol-version.ts'
export { QoS } from './codec/qos.ts'
export { formatReasonCode, ReasonCode, ReturnCode } from './codec/reason-code.ts'
export { ProtocolViolation, type ViolationName } from './codec/violation.ts'
export { ALL_RIGHTS, type Rights } from './session/rights.ts'
export { type Address, AddressError, type ParsedAddress, parseAddress } from './transport/address.ts'
export type { TlsClientTerms, TlsServerTerms } from './transport/tls-terms.ts'
export { TransportError } from './transport/transport-error.ts'
