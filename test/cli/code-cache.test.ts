import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

const loader = join(import.meta.dirname, '../../bin/code-cache.cjs')
let folder = ''
let file = ''
let cache = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-cache-'))
  file = join(folder, 'program.cjs')
  cache = `${file}.cache`
  write('one')
})

afterEach(() => {
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true })
})

function write(word: string): void {
  writeFileSync(
    file,
    `const { basename } = require('node:path')
     process.stdout.write('${word} ' + basename(__filename) + require('node:os').EOL)`,
  )
}

function start(...args: string[]): string {
  const code = `require(${JSON.stringify(loader)}).run(${JSON.stringify(file)})`
  return execFileSync(process.execPath, ['-e', code, '--', ...args], { encoding: 'utf8' })
}

it('runs a program, and again from what it kept', () => {
  expect(start()).toBe('one program.cjs\n')
  const kept = readFileSync(cache)
  expect(kept.length).toBeGreaterThan(100)

  expect(start()).toBe('one program.cjs\n')

  expect(readFileSync(cache)).toEqual(kept)
  expect(existsSync(`${cache}.${process.pid}`)).toBe(false)
})

it('runs a program that is newer than what it kept, though it is as long', () => {
  start()
  write('two')
  const later = new Date(statSync(cache).mtimeMs + 5000)
  utimesSync(file, later, later)

  expect(start()).toBe('two program.cjs\n')
})

it('makes anew what V8 does not take', () => {
  start()
  writeFileSync(cache, 'rubbish')

  expect(start()).toBe('one program.cjs\n')
  expect(readFileSync(cache).length).toBeGreaterThan(100)
})

it('keeps nothing of a run that shows the version only', () => {
  expect(start('--version')).toBe('one program.cjs\n')
  expect(existsSync(cache)).toBe(false)
})

it('runs where nothing can be kept', () => {
  // a folder in the way works for root too
  writeFileSync(join(folder, 'other'), '')
  execFileSync('mkdir', [cache])

  expect(start()).toBe('one program.cjs\n')
  expect(readdirSync(folder).toSorted()).toEqual(['other', 'program.cjs', 'program.cjs.cache'])
  expect(statSync(cache).isDirectory()).toBe(true)
})
