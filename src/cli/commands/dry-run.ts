import { encodePublish, Publish } from '../../codec/packets/publish.ts'
import type { ProtocolVersion } from '../../codec/protocol-version.ts'
import { QoS } from '../../codec/qos.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import type { MessageSource } from '../input/message-source.ts'

/** Prints each PUBLISH as it would be sent: a line of hex. */
export function dryRun(source: MessageSource, version: ProtocolVersion, context: Context): Promise<ExitCode> {
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
      message: (message) => {
        const { qos } = message
        if (qos !== QoS.AT_MOST_ONCE) packetId = (packetId % 0xffff) + 1
        const publish = new Publish(message, qos, false, qos === QoS.AT_MOST_ONCE ? 0 : packetId)
        if (!stdout.write(`${encodePublish(publish, version).toString('hex')}\n`)) source.pause()
      },
      ended: () => resolve(ExitCode.DONE),
      failed: reject,
    })
  })
}
