import { Role } from '../../codec/packet-type.ts'
import { CapturedConversation, type CaptureFile, type Ends } from '../../insight/tcp-capture.ts'
import type { ByteRecord } from '../../proxy/packet-tap.ts'
import { injectedText } from '../output/injected.ts'

/** Begins the record of a connection. @param ends as the proxy sees them: the client is remote. @param atMs since 1970 */
export type MakeRecord = (ends: Ends, atMs: number) => ByteRecord

/** Records into a capture; frames are numbered as its readers will number them. */
export function recordInto(capture: CaptureFile): MakeRecord {
  return (ends, openedAtMs) => {
    const conversation = new CapturedConversation(capture, ends, openedAtMs)
    return {
      bytes: (sender, bytes, injected, atMs) => {
        const done = injectedText(injected)
        conversation.say(sender === Role.CLIENT, bytes, atMs, done === '' ? '' : `mqtt-kit: ${done}`)
        return capture.frames
      },
      ended: (sender, atMs) => {
        conversation.end(sender === Role.CLIENT, atMs)
        return capture.frames
      },
      closed: (sender, isReset, atMs) => {
        const byClient = sender !== Role.SERVER
        if (isReset) conversation.reset(byClient, atMs)
        for (const side of [byClient, !byClient]) conversation.end(side, atMs)
        return capture.frames
      },
    }
  }
}

/** Records nothing, but for a number for whatever comes. */
export function recordFrames(): MakeRecord {
  let frames = 0
  const next = (): number => ++frames
  return () => ({ bytes: next, ended: next, closed: next })
}
