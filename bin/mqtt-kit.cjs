#!/usr/bin/env node
'use strict'

const { existsSync } = require('node:fs')
const { enableCompileCache } = require('node:module')
const { join } = require('node:path')

// these are started often, and each has a file with nothing else in it, profiles excepted
const asksForMore =
  Boolean(process.env.MQTT_KIT_PROFILE) || process.argv.some((word) => /^--(profile|show-)/.test(word))
// every file knows the version, and this is the smallest
const asked = process.argv[2] === '--version' ? 'pub' : process.argv[2]
const command = asksForMore ? undefined : ['inspect', 'pub', 'serve', 'sub'].find((name) => name === asked)
const program = join(__dirname, `../dist/cli/${command ?? 'mqtt-kit'}.cjs`)
if (existsSync(program)) {
  if (enableCompileCache === undefined) require('./code-cache.cjs').run(program)
  else {
    enableCompileCache()
    require(program)
  }
} else {
  process.stderr.write('mqtt-kit is not built: run npm run build\n')
  process.exitCode = 1
}
