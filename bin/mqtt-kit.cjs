#!/usr/bin/env node
'use strict'

const { existsSync } = require('node:fs')
const { enableCompileCache } = require('node:module')
const { join } = require('node:path')

const program = join(__dirname, '../dist/cli/mqtt-kit.cjs')
if (existsSync(program)) {
  enableCompileCache?.()
  require(program)
} else {
  process.stderr.write('mqtt-kit is not built: run npm run build\n')
  process.exitCode = 1
}
