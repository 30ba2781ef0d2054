/**
 * The one place that decides about colour, width and being a terminal; decided once and handed in. chalk reads the
 * environment in its own way (it ignores NO_COLOR), so it is told its level and loaded only when there is colour.
 */

/** What the program writes to. */
export interface Terminal {
  readonly stdoutIsTerminal: boolean
  readonly stderrIsTerminal: boolean
  /** a terminal on which what stands there can be drawn anew */
  readonly stdoutIsLive: boolean
  readonly stdoutColour: boolean
  readonly stderrColour: boolean
  /** characters per line of stdout; 80 when it is no terminal */
  readonly columns: number
}

/** As much of a stream as matters here. */
export interface TerminalStream {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

const DEFAULT_COLUMNS = 80

/** Decides from the streams and NO_COLOR, FORCE_COLOR and TERM. FORCE_COLOR is the strongest, as in Node itself. */
export function describeTerminal(
  stdout: TerminalStream,
  stderr: TerminalStream,
  environment: Readonly<Record<string, string | undefined>>,
): Terminal {
  const stdoutIsTerminal = stdout.isTTY === true
  const stderrIsTerminal = stderr.isTTY === true
  const wanted = wantedColour(environment)
  return {
    stdoutIsTerminal,
    stderrIsTerminal,
    stdoutIsLive: stdoutIsTerminal && environment['TERM'] !== 'dumb',
    stdoutColour: wanted ?? stdoutIsTerminal,
    stderrColour: wanted ?? stderrIsTerminal,
    columns: (stdoutIsTerminal && stdout.columns) || DEFAULT_COLUMNS,
  }
}

// null: the environment leaves it to the stream
function wantedColour(environment: Readonly<Record<string, string | undefined>>): boolean | null {
  const { FORCE_COLOR: force, NO_COLOR: none, TERM: term } = environment
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false'
  if (none !== undefined && none !== '') return false
  return term === 'dumb' ? false : null
}

/** Paints text, or leaves it alone where there is no colour. */
export interface Painter {
  heading(text: string): string
  error(text: string): string
  faint(text: string): string
  /** names beside their values */
  accent(text: string): string
}

const same = (text: string): string => text
const plain: Painter = { heading: same, error: same, faint: same, accent: same }

/** @param colour of the stream that the text goes to */
export async function createPainter(colour: boolean): Promise<Painter> {
  if (!colour) return plain
  const { Chalk } = await import('chalk')
  const chalk = new Chalk({ level: 1 })
  // chalk takes any number of texts, and map() gives three
  const one = (paint: (text: string) => string) => (text: string) => paint(text)
  return { heading: one(chalk.bold), error: one(chalk.red), faint: one(chalk.dim), accent: one(chalk.cyan) }
}
