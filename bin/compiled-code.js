'use strict'
// The compiled code of the bundle, which the build keeps beside it (precompile.js): to compile it takes a third of a start.
const { readFileSync, statSync, writeFileSync } = require('node:fs')
const Module = require('node:module')
const path = require('node:path')
const vm = require('node:vm')

const bundle = path.join('/dist', 'bundle', '/')

/** V8 takes only code of its own version, for its flags and a source of the same length. */
const codeOf = (file) => `${file}.${process.versions.v8}.code`

/** undefined for a file that is not of the bundle, that was not compiled by this V8, or that has changed since. */
function readCode(file) {
  if (!file.includes(bundle)) return undefined
  const made = statSync(codeOf(file), { throwIfNoEntry: false })
  return made === undefined || made.mtimeMs < statSync(file).mtimeMs ? undefined : readFileSync(codeOf(file))
}

/** From now on, `require` takes the compiled code of the bundle. `listen` hears of each of its scripts, compiled or not. */
function useCompiledCode(listen) {
  const compile = Module.prototype._compile
  Module.prototype._compile = function (content, file, ...rest) {
    const cachedData = readCode(file)
    if (cachedData === undefined && !(listen && file.includes(bundle)))
      return compile.call(this, content, file, ...rest)
    const script = new vm.Script(Module.wrap(content), { filename: file, cachedData })
    listen?.(file, script)
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
    for (const [file, script] of scripts) writeFileSync(codeOf(file), script.createCachedData())
  })
}

module.exports = { keepCompiledCode, useCompiledCode }
