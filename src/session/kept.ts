/** How much of a delivery its keeper has; nobody else changes it. */
export const Kept = {
  NOTHING: 0,
  /** to be written with the next batch */
  GATHERED: 1,
  /** written, with its message */
  WITH_MESSAGE: 2,
  /** written, and its message is shared with other deliveries */
  SHARING_MESSAGE: 3,
  /** written with its message, and to be removed */
  REMOVED_WITH_MESSAGE: 4,
  /** written sharing its message, and to be removed */
  REMOVED_SHARING_MESSAGE: 5,
  /** over before it was written */
  CANCELLED: 6,
} as const
export type Kept = (typeof Kept)[keyof typeof Kept]
