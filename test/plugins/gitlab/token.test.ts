import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { tokenHeaders } from '#gitlab/token.js'
import { TokenSource } from '#kiss/provider/kit.js'

describe('a token of GitLab', () => {
  let folder: string
  before(async () => (folder = await mkdtemp(path.join(tmpdir(), 'kiss-token-'))))
  after(() => rm(folder, { recursive: true }))

  /** Prints `secret-N`, counting how often it ran. */
  const counting = (name: string): string[] => {
    const file = path.join(folder, name)
    return ['/bin/sh', '-c', `echo x >> "${file}"; echo "secret-$(wc -l < "${file}" | tr -d ' ')"; echo noise`]
  }

  it('is shown in the header of its kind', () => {
    assert.deepEqual(tokenHeaders('private', 't'), { 'private-token': 't' })
    assert.deepEqual(tokenHeaders('job', 't'), { 'job-token': 't' })
    assert.deepEqual(tokenHeaders('bearer', 't'), { authorization: 'Bearer t' })
    assert.deepEqual(tokenHeaders('deploy', 'user:t:u'), { authorization: `Basic ${btoa('user:t:u')}` })
  })

  it('for deployment has a user', () => {
    for (const token of ['gldt-1', ':x', 'user:']) {
      assert.throws(
        () => tokenHeaders('deploy', token),
        (e: Error) => !e.message.includes('gldt-1') && /user:token/.test(e.message),
      )
    }
  })

  it('is read from a file without its line end', async () => {
    const file = path.join(folder, 'token')
    await writeFile(file, 'secret\n')
    assert.equal(await new TokenSource({ file }, () => 0).read(), 'secret')
  })

  it('is the first line that a command prints, run once for all who ask', async () => {
    const source = new TokenSource({ command: counting('once') }, () => 0)
    assert.deepEqual(await Promise.all([source.read(), source.read()]), ['secret-1', 'secret-1'])
    assert.equal(await source.read(), 'secret-1')
    assert.equal(await readFile(path.join(folder, 'once'), 'utf8'), 'x\n')
  })

  it('comes of a command in a shell where it is written as one', async () => {
    assert.equal(await new TokenSource({ command: 'echo "$((6 * 7))" | tr 4 5' }, () => 0).read(), '52')
  })

  it('is read again after GitLab refused it, but not one that was read just now', async () => {
    let now = 0
    const source = new TokenSource({ command: counting('again') }, () => now)
    assert.equal(source.refused(), false, 'never read')
    assert.equal(await source.read(), 'secret-1')
    now = 9_999
    assert.equal(source.refused(), false)
    assert.equal(await source.read(), 'secret-1')
    now = 10_000
    assert.equal(source.refused(), true)
    assert.equal(await source.read(), 'secret-2')
    assert.equal(source.refused(), false)
  })

  it('is not read again where it stands in the settings', async () => {
    let now = 0
    const source = new TokenSource({ token: 'fixed' }, () => now)
    await source.read()
    now = 1e9
    assert.equal(source.refused(), false)
  })

  it('is asked for again after a command failed', async () => {
    const flag = path.join(folder, 'flag')
    const source = new TokenSource({ command: `test -e "${flag}" && echo secret` }, () => 0)
    await assert.rejects(source.read(), /token-command failed \(1\)/)
    await writeFile(flag, '')
    assert.equal(await source.read(), 'secret')
  })

  it('is shown in no message, neither as output nor as argument', async () => {
    const shown = async (origin: ConstructorParameters<typeof TokenSource>[0]): Promise<string> => {
      const error = await new TokenSource(origin, () => 0).read().then(
        () => assert.fail('it was read'),
        (e: unknown) => e as Error,
      )
      assert.equal(error.cause instanceof Error && error.cause.message.includes('s3cret'), false)
      return error.message
    }
    const messages = await Promise.all([
      shown({ command: 'echo s3cret; echo s3cret >&2; exit 3' }),
      shown({ command: ['s3cret-no-such-program', 's3cret'] }),
      shown({ command: 'echo s3cret with blanks' }),
      shown({ token: 's3cret\u00e9' }),
      shown({ token: ' ' }),
      shown({ file: path.join(folder, 'missing') }),
    ])
    for (const message of messages) assert.ok(!message.includes('s3cret'), message)
    assert.match(messages[0], /failed \(3\)/)
    assert.match(messages[1], /ENOENT/)
    assert.match(messages[2], /blanks/)
    assert.match(messages[4], /empty/)
    assert.match(messages[5], /missing: ENOENT/)
  })
})
