/** What one client may do with topics. Whoever answers must do so at once, and may change its answers: then the Server is told. */
export interface Rights {
  mayPublish(topicName: string): boolean
  /** @param topicFilter without `$share/{ShareName}/` */
  maySubscribe(topicFilter: string): boolean
  /** Asked for each message that is to be delivered, however it got there. */
  mayReceive(topicName: string): boolean
}

/** Everything is allowed. */
export const ALL_RIGHTS: Rights = {
  mayPublish: () => true,
  maySubscribe: () => true,
  mayReceive: () => true,
}
