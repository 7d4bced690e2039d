'use strict'
// The compiled code of the bundle, which the build keeps beside it (precompile.js): to compile it takes a third of a start.
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const Module = require('node:module')
const path = require('node:path')
const vm = require('node:vm')

/**
 * V8 compares its version, its flags and the length of the source, and crashes with code of another processor. Times tell nothing
 * of the source: npm installs these files before the sources.
 */
const machine = `${process.versions.v8}.${process.platform}-${process.arch}`

/** A file of the bundle ends with its own sum (rolldown.config.js), and its code has the sum in its name. */
function codeFile(content, file) {
  const [, sum] = /^\/\/ ([0-9a-f]{16})\n$/.exec(content.slice(-20)) ?? []
  return sum && `${file}.${sum}.${machine}.code`
}

/** undefined if there is none, or none that this user may read: V8 compiles the source. */
function readCode(file) {
  try {
    return existsSync(file) ? readFileSync(file) : undefined
  } catch {
    return undefined
  }
}

/** From now on, `require` takes the compiled code of the bundle. `listen` gets the code file of each of its scripts, compiled or not. */
function useCompiledCode(listen) {
  const compile = Module.prototype._compile
  Module.prototype._compile = function (content, file, ...rest) {
    const kept = codeFile(content, file)
    const cachedData = kept && readCode(kept)
    if (cachedData === undefined && !(listen && kept)) return compile.call(this, content, file, ...rest)
    const script = new vm.Script(Module.wrap(content), { filename: file, cachedData })
    listen?.(kept, script)
    // Node 20 cannot import from compiled code.
    const require = Object.assign(Module.createRequire(file), { import: (name) => import(name) })
    return script.runInThisContext().call(this.exports, this.exports, require, this, file, path.dirname(file))
  }
}

/** Keeps the code of each script of the bundle that this process runs. At its end V8 has compiled the functions as well. */
function keepCompiledCode() {
  const scripts = new Map()
  useCompiledCode((file, script) => scripts.set(file, script))
  process.on('exit', () => {
    for (const [file, script] of scripts) writeFileSync(file, script.createCachedData())
  })
}

module.exports = { keepCompiledCode, useCompiledCode }
