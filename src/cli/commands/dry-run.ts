import type { Message } from '../../codec/message.ts'
import { encodePublish, Publish } from '../../codec/packets/publish.ts'
import type { ProtocolVersion } from '../../codec/protocol-version.ts'
import { QoS } from '../../codec/qos.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import { withPayload } from '../input/message-template.ts'
import type { PayloadSource } from '../input/payload-source.ts'

/** Prints each PUBLISH as it would be sent: a line of hex. */
export function dryRun(
  source: PayloadSource,
  template: Message,
  version: ProtocolVersion,
  context: Context,
): Promise<ExitCode> {
  const { stdout } = context
  return new Promise((resolve, reject) => {
    let packetId = 0
    stdout.handler = {
      drained: () => source.resume(),
      failed: (error) => {
        source.stop()
        if (error === null) resolve(ExitCode.DONE)
        else reject(new Failure(ExitCode.OUTPUT, `cannot write to stdout: ${error.message}`, error))
      },
    }
    source.start({
      payload: (bytes) => {
        packetId = template.qos === QoS.AT_MOST_ONCE ? 0 : (packetId % 0xffff) + 1
        const publish = new Publish(withPayload(template, bytes), template.qos, false, packetId)
        if (!stdout.write(`${encodePublish(publish, version).toString('hex')}\n`)) source.pause()
      },
      ended: () => resolve(ExitCode.DONE),
      failed: reject,
    })
  })
}
