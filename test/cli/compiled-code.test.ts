import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { project } from '../support/cli.js'

const SUM = '0123456789abcdef'

describe('compiled code of the bundle', () => {
  let root: string
  let file: string
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'kiss-compiled-'))
    cpSync(path.join(project, 'bin'), path.join(root, 'bin'), { recursive: true })
    mkdirSync(path.join(root, 'dist/bundle'), { recursive: true })
    file = path.join(root, 'dist/bundle/a.js')
    write('one', SUM)
  })
  afterEach(() => {
    rmSync(root, { recursive: true })
  })

  /** A file of the bundle, always of the same length. */
  function write(word: string, sum: string): void {
    writeFileSync(file, `exports.answer = () => "${word}"\n// ${sum}\n`)
  }

  /** What the file answers in a process that keeps or uses compiled code. */
  function answer(how: 'keepCompiledCode' | 'useCompiledCode', before = ''): string {
    const program = `${before}; require('./bin/compiled-code.js').${how}(); process.stdout.write(require('./dist/bundle/a.js').answer())`
    return execFileSync(process.execPath, ['-e', program], { cwd: root, encoding: 'utf8' })
  }

  /** Keeps code that can be told from the source: V8 compares only the length. */
  function keep(): string {
    answer('keepCompiledCode')
    write('two', SUM)
    const [code] = readdirSync(path.dirname(file)).filter((name) => name.endsWith('.code'))
    return path.join(path.dirname(file), code!)
  }

  it('runs in place of the source', () => {
    assert.equal(answer('keepCompiledCode'), 'one')
    keep()
    assert.equal(answer('useCompiledCode'), 'one')
  })

  it('is not used where there is none', () => {
    assert.equal(answer('useCompiledCode'), 'one')
    write('two', SUM)
    assert.equal(answer('useCompiledCode'), 'two')
  })

  it('is used where it was installed before the source', () => {
    const code = keep()
    utimesSync(code, new Date(0), new Date(0))
    assert.equal(answer('useCompiledCode'), 'one')
  })

  it('is not used for a source of another build that was copied with an older time', () => {
    keep()
    write('two', SUM.replace('0', '1'))
    utimesSync(file, new Date(0), new Date(0))
    assert.equal(answer('useCompiledCode'), 'two')
  })

  it('is not used on another processor', () => {
    keep()
    assert.equal(answer('useCompiledCode', `Object.defineProperty(process, 'arch', { value: 'pdp11' })`), 'two')
  })

  it('is not used when it is incomplete', () => {
    const code = keep()
    truncateSync(code, statSync(code).size / 2)
    assert.equal(answer('useCompiledCode'), 'two')
  })

  it('is not used when it cannot be read', () => {
    const code = keep()
    rmSync(code)
    mkdirSync(code)
    assert.equal(answer('useCompiledCode'), 'two')
  })

  it('is not kept for a file without a sum', () => {
    writeFileSync(file, 'exports.answer = () => "one"')
    answer('keepCompiledCode')
    assert.deepEqual(readdirSync(path.dirname(file)), ['a.js'])
  })
})
