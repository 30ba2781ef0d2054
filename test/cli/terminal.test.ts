import { describe, expect, it } from 'vitest'
import { createPainter, describeTerminal } from '../../src/cli/terminal.ts'

const terminal = { isTTY: true, columns: 120 }
const pipe = {}

describe('colour', () => {
  it.each([
    ['on a terminal', terminal, {}, true],
    ['in a pipe', pipe, {}, false],
    ['on a terminal with NO_COLOR', terminal, { NO_COLOR: '1' }, false],
    ['on a terminal with an empty NO_COLOR', terminal, { NO_COLOR: '' }, true],
    ['on a dumb terminal', terminal, { TERM: 'dumb' }, false],
    ['in a pipe with FORCE_COLOR', pipe, { FORCE_COLOR: '1' }, true],
    ['in a pipe with FORCE_COLOR and NO_COLOR', pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ['on a terminal with FORCE_COLOR=0', terminal, { FORCE_COLOR: '0' }, false],
  ])('%s is decided once', (_, stream, environment, expected) => {
    const { stdoutColour, stderrColour } = describeTerminal(stream, stream, environment)

    expect({ stdoutColour, stderrColour }).toEqual({ stdoutColour: expected, stderrColour: expected })
  })

  it('is decided for stdout and stderr apart', () => {
    expect(describeTerminal(pipe, terminal, {})).toEqual({
      stdoutIsTerminal: false,
      stderrIsTerminal: true,
      stdoutIsLive: false,
      stdoutColour: false,
      stderrColour: true,
      columns: 80,
    })
  })

  it('is what the painter is told, whatever chalk thinks of the environment', async () => {
    expect((await createPainter(true)).error('x')).toBe('\u001b[31mx\u001b[39m')
    expect((await createPainter(false)).error('x')).toBe('x')
  })
})
