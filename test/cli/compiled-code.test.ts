import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { project } from '../support/cli.js'

describe('compiled code of the bundle', () => {
  let root: string
  let file: string
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'kiss-compiled-'))
    cpSync(path.join(project, 'bin'), path.join(root, 'bin'), { recursive: true })
    mkdirSync(path.join(root, 'dist/bundle'), { recursive: true })
    file = path.join(root, 'dist/bundle/a.js')
    writeFileSync(file, 'exports.answer = () => "one"')
  })
  afterEach(() => {
    rmSync(root, { recursive: true })
  })

  /** What the file answers in a process that keeps or uses compiled code. */
  function answer(how: 'keepCompiledCode' | 'useCompiledCode'): string {
    const program = `require('./bin/compiled-code.js').${how}(); process.stdout.write(require('./dist/bundle/a.js').answer())`
    return execFileSync(process.execPath, ['-e', program], { cwd: root, encoding: 'utf8' })
  }

  /** Another source of the same length, as old as the first one. */
  function change(): void {
    const { atime, mtime } = statSync(file)
    writeFileSync(file, 'exports.answer = () => "two"')
    utimesSync(file, atime, mtime)
  }

  it('runs in place of the source', () => {
    assert.equal(answer('keepCompiledCode'), 'one')
    change()
    assert.equal(answer('useCompiledCode'), 'one')
  })

  it('is not used where there is none', () => {
    assert.equal(answer('useCompiledCode'), 'one')
    change()
    assert.equal(answer('useCompiledCode'), 'two')
  })

  it('is not used for a file that has changed since', () => {
    answer('keepCompiledCode')
    change()
    const later = new Date(Date.now() + 60_000)
    utimesSync(file, later, later)
    assert.equal(answer('useCompiledCode'), 'two')
  })

  it('is not used when it is incomplete', () => {
    answer('keepCompiledCode')
    change()
    writeFileSync(`${file}.${process.versions.v8}.code`, 'half')
    assert.equal(answer('useCompiledCode'), 'two')
  })
})
