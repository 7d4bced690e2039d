import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { KissError } from 'kiss-cache/plugin'
import { readText, writeText } from '#lava/files.js'

describe('job files', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kiss-lava-'))
    file = path.join(folder, 'job.yaml')
    writeFileSync(file, 'old\n')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('are read with their byte order mark and every line end', async () => {
    writeFileSync(file, '\ufeffa: ü\r\nb: 1\r')
    assert.equal(await readText(file), '\ufeffa: ü\r\nb: 1\r')
  })

  it('have to be UTF-8, and the place where they are not is named', async () => {
    const broken: [Buffer, string][] = [
      [Buffer.from('a: 1\nb: gr\xfc\xdfe\n', 'latin1'), ':2:6:'],
      [Buffer.from('\xff\xfea\0', 'latin1'), ':1:1:'],
      [Buffer.concat([Buffer.from('ü: 1\nü'), Buffer.from([0xe2, 0x82])]), ':2:2:'],
    ]
    for (const [bytes, where] of broken) {
      writeFileSync(file, bytes)
      await assert.rejects(readText(file), (error) => {
        assert.ok(error instanceof KissError && error.exit === 2)
        assert.ok(error.message.includes(`job.yaml${where} not UTF-8`), error.message)
        return true
      })
    }
  })

  it('that are not there are a usage error', async () => {
    await assert.rejects(readText(path.join(folder, 'no.yaml')), /cannot read .*no\.yaml: ENOENT/)
  })

  it('are replaced, never written into', async () => {
    const before = statSync(file).ino
    await writeText(file, 'new\n')
    assert.equal(readFileSync(file, 'utf8'), 'new\n')
    assert.notEqual(statSync(file).ino, before)
    assert.deepEqual(readdirSync(folder), ['job.yaml'])
  })

  it('keep their mode', async () => {
    for (const mode of [0o640, 0o444, 0o755]) {
      chmodSync(file, mode)
      await writeText(file, String(mode))
      assert.equal(statSync(file).mode & 0o7777, mode)
      assert.equal(readFileSync(file, 'utf8'), String(mode))
    }
  })

  it('keep their owner', async function () {
    if (process.getuid?.() !== 0) this.skip()
    chownSync(file, 12345, 23456)
    chmodSync(file, 0o2640)
    await writeText(file, 'new')
    const { uid, gid, mode } = statSync(file)
    assert.deepEqual([uid, gid, mode & 0o7777], [12345, 23456, 0o2640])
  })

  it('stay behind their symbolic links', async () => {
    mkdirSync(path.join(folder, 'links'))
    const link = path.join(folder, 'links', 'job.yaml')
    symlinkSync('../job.yaml', link)
    await writeText(link, 'new')
    assert.ok(lstatSync(link).isSymbolicLink())
    assert.equal(readFileSync(file, 'utf8'), 'new')
  })

  it('are new where there was none, and nothing is left where they cannot be', async () => {
    await writeText(path.join(folder, 'new.yaml'), 'x')
    assert.equal(readFileSync(path.join(folder, 'new.yaml'), 'utf8'), 'x')
    await assert.rejects(writeText(path.join(folder, 'no', 'job.yaml'), 'x'), /cannot write .*: ENOENT/)
    assert.deepEqual(readdirSync(folder).sort(), ['job.yaml', 'new.yaml'])
  })

  it('may be pipes', async () => {
    const pipe = path.join(folder, 'pipe')
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0)
    const [text] = await Promise.all([readText(pipe), writeText(pipe, 'through')])
    assert.equal(text, 'through')
    assert.ok(statSync(pipe).isFIFO())
  })
})
