import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import { sourcesOf } from '../input/inspect-source.ts'
import { payloadReader } from '../input/payload-options.ts'
import type { inspectRows } from '../options/inspect.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { InspectOutput } from '../output/inspect-output.ts'
import { createPainter } from '../terminal.ts'
import { inspectSource } from './inspect-input.ts'

/** `mqtt-kit inspect`: what the bytes say, and which rules they break. */
export async function run(parsed: Parsed<typeof inspectRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed)
  const painter = await createPainter(context.terminal.stdoutColour)
  const output = new InspectOutput(typed, await payloadReader(typed), painter, context)
  await output.load()
  for (const source of sourcesOf(parsed.operands, context.streams)) {
    await inspectSource(source, typed, output, context)
    if (output.isClosed) break
  }
  await output.end()
  if (output.packets === 0) throw new UsageError('no MQTT packet was found')
  return output.errors > 0 ? ExitCode.MALFORMED : ExitCode.DONE
}
