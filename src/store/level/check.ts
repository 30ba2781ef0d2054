import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BrokenFile, checkTable, readLog, readManifest } from './file-formats.ts'

/** What reading the files of a database has shown. */
export interface CheckResult {
  /** one line per broken or missing file; empty: all is well */
  readonly damages: readonly string[]
  /** bytes at the end of the last log that were being written when the machine lost its power */
  readonly tornBytes: number
}

const FILE = /^(?:(\d+)\.(log|ldb|sst)|(MANIFEST-\d+)|CURRENT|LOCK|LOG|LOG\.old|\d+\.dbtmp)$/

/**
 * Reads all that a LevelDB database consists of and compares sizes and checksums, which LevelDB itself does not: it drops what it
 * cannot read of its log without a word. Nothing is changed; the database must be closed.
 * @param folder need not exist: then all is well
 * @throws Error (rejects) of the file system
 */
export async function checkLevelFiles(folder: string): Promise<CheckResult> {
  const checking = new Checking(folder)
  await checking.run()
  return checking
}

class Checking implements CheckResult {
  readonly damages: string[] = []
  tornBytes = 0
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async run(): Promise<void> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException): string[] => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    const files = new Map<number, string>()
    for (const name of names) {
      const [, number, , manifest] = FILE.exec(name) ?? []
      if (number !== undefined) files.set(Number(number), name)
      else if (manifest === undefined && !FILE.test(name)) this.#damage(name, 'it is none of the database')
    }
    if (names.includes('CURRENT')) await this.#checkFrom('CURRENT', files)
    else if (names.some((name) => /^\d+\.(?:log|ldb|sst)$|^MANIFEST/.test(name)))
      this.#damage('CURRENT', 'it is missing')
  }

  async #checkFrom(current: string, files: Map<number, string>): Promise<void> {
    const pointer = (await this.#read(current)).toString('latin1')
    const manifestName = /^(MANIFEST-\d+)\n$/.exec(pointer)?.[1]
    if (manifestName === undefined) return this.#damage(current, 'it names no manifest')
    const manifest = await this.#parse(manifestName, readManifest)
    if (manifest === null) return
    for (const [number, size] of manifest.tables) await this.#checkTable(number, size, files.get(number))
    const { logNumber, previousLogNumber } = manifest
    if (logNumber > 0 && files.get(logNumber) === undefined) this.#damage(fileName(logNumber, 'log'), 'it is missing')
    const logs = [...files].filter(
      ([number, name]) => name.endsWith('.log') && (number >= logNumber || number === previousLogNumber),
    )
    logs.sort(([a], [b]) => a - b)
    for (const [i, [, name]] of logs.entries()) await this.#checkLog(name, i === logs.length - 1)
  }

  async #checkTable(number: number, size: number, name: string | undefined): Promise<void> {
    if (name === undefined) return this.#damage(fileName(number, 'ldb'), 'it is missing')
    await this.#parse(name, (file) => {
      if (file.length !== size) throw new BrokenFile(`it has ${file.length} bytes, and must have ${size}`)
      checkTable(file)
      return file
    })
  }

  async #checkLog(name: string, isLast: boolean): Promise<void> {
    const log = await this.#parse(name, readLog)
    if (log === null || log.tornBytes === 0) return
    if (isLast) this.tornBytes = log.tornBytes
    else this.#damage(name, `it ends within a record, ${log.tornBytes} bytes of it are there`)
  }

  async #parse<T>(name: string, parse: (file: Buffer) => T): Promise<T | null> {
    try {
      return parse(await this.#read(name))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (!(error instanceof BrokenFile) && code !== 'ENOENT') throw error
      this.#damage(name, code === 'ENOENT' ? 'it is missing' : message)
      return null
    }
  }

  #read(name: string): Promise<Buffer> {
    return readFile(join(this.#folder, name))
  }

  #damage(name: string, what: string): void {
    this.damages.push(`${name}: ${what}`)
  }
}

function fileName(number: number, extension: string): string {
  return `${String(number).padStart(6, '0')}.${extension}`
}
