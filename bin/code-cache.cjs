'use strict'

const { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs')
const Module = require('node:module')
const { dirname } = require('node:path')
const vm = require('node:vm')

/**
 * Runs a program as require() does, from what V8 made of it in an earlier run: a start takes a tenth less. For versions of Node
 * that have no enableCompileCache(); import() fails in such a program. It is kept beside the program, as Python keeps its own,
 * where the folder may be written to.
 * @param {string} file absolute
 */
exports.run = function run(file) {
  const cacheFile = `${file}.cache`
  const cachedData = readCache(cacheFile, file)
  const script = new vm.Script(Module.wrap(readFileSync(file, 'utf8')), { filename: file, cachedData })
  // by then what was used is translated; what another V8 has made is rejected, and made anew
  const isTypical = !process.argv.some((word) => word === '--version' || word === '--help')
  if (isTypical && script.cachedDataRejected !== false) process.once('exit', () => keepCache(cacheFile, script))
  const program = new Module(file, module)
  program.filename = file
  script.runInThisContext()(program.exports, Module.createRequire(file), program, file, dirname(file))
}

/** @param {string} cacheFile @param {string} file @returns {Buffer | undefined} undefined: there is none, or the program is newer */
function readCache(cacheFile, file) {
  try {
    // V8 itself looks at the length of the program only
    return statSync(cacheFile).mtimeMs > statSync(file).mtimeMs ? readFileSync(cacheFile) : undefined
  } catch {
    return undefined
  }
}

/** @param {string} cacheFile @param {vm.Script} script */
function keepCache(cacheFile, script) {
  const unfinished = `${cacheFile}.${process.pid}`
  try {
    // first of all: where nothing may be written, nothing need be made
    closeSync(openSync(unfinished, 'wx'))
  } catch {
    return
  }
  try {
    writeFileSync(unfinished, script.createCachedData())
    renameSync(unfinished, cacheFile)
  } catch {
    // a full disk, something in the way: the next start is no faster, and nothing else is different
    rmSync(unfinished, { force: true })
  }
}
