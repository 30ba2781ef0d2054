import type { ClientOptions } from '../../client/client.ts'
import type { Properties } from '../../codec/property.ts'
import type { Typed } from '../options/option-row.ts'
import type { requestRows } from '../options/request.ts'
import type { Goodbye } from './client-run.ts'

/** What was typed for `rr`. */
export type RequestOptions = Typed<typeof requestRows>

/** What both sides of a request share. */
export interface RequestPlan {
  readonly typed: RequestOptions
  /** of the requests: a Topic Name to ask, a Topic Filter to answer */
  readonly topic: string
  readonly publishProperties: Properties
  readonly subscribeProperties: Properties
  readonly goodbye: Goodbye
  readonly options: ClientOptions
}
