import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import type { Engine } from '#kiss/engine/types.js'
import { faultLab } from '../flight/faults/lab.js'
import { readContent } from '../support/engine.js'
import { bytes, type Origin, sha256 } from '../support/origin.js'

/** Writes other bytes of the same length into the blob. */
async function overwrite(engine: Engine, url: string): Promise<void> {
  const artifact = await engine.fetch({ url: new URL(url), offline: true })
  const path = artifact.path(artifact.entry!)
  await artifact.close('done')
  await chmod(path, 0o600)
  await writeFile(path, Buffer.alloc(artifact.entry!.size))
}

describe('the way from an entry to its bytes', () => {
  const lab = faultLab()
  const body = bytes('opened', 50_000)

  it('compares the promised sum when a stale entry is served because the origin is down', async () => {
    lab.origin.script('/a', [{ body, etag: '"1"' }, { status: 503 }])
    const kiss = await lab.engine()
    await lab.get(kiss, '/a', { ttl: 0 })
    const other = await lab.get(kiss, '/a', { refresh: true, sha256: sha256(bytes('other', 5)) })
    assert.deepEqual([other.code, other.status, other.body.length], ['digest-mismatch', 412, 0])
    const same = await lab.get(kiss, '/a', { refresh: true, sha256: sha256(body) })
    assert.deepEqual([same.code, same.detail], [undefined, 'stale-if-error'])
  })

  it('serves no overwritten blob when the origin is down', async () => {
    lab.origin.script('/a', [{ body, etag: '"1"' }, { status: 503 }])
    const kiss = await lab.engine()
    await lab.get(kiss, '/a', { ttl: 0 })
    await overwrite(kiss, lab.origin.url('/a'))
    const got = await lab.get(kiss, '/a', { refresh: true })
    assert.deepEqual([got.code, got.body.length, got.entry], ['origin-unreachable', 0, undefined])
  })

  it('downloads again what was overwritten in place, and has nothing of it offline', async () => {
    lab.origin.serve('/a', { body, etag: '"1"' })
    const kiss = await lab.engine()
    await lab.get(kiss, '/a')
    await overwrite(kiss, lab.origin.url('/a'))
    assert.equal((await lab.get(kiss, '/a', { offline: true })).code, 'offline')
    const got = await lab.get(kiss, '/a')
    assert.equal(got.as, 'miss')
    assert.ok(got.body.equals(body))
  })

  it('takes an entry with a fresh copy of another URL for whole', async () => {
    lab.origin.serve('/a', { body, etag: '"1"' })
    lab.origin.serve('/b', { body, etag: '"1"' })
    const kiss = await lab.engine()
    await lab.get(kiss, '/a')
    await overwrite(kiss, lab.origin.url('/a'))
    await lab.get(kiss, '/b')
    const got = await lab.get(kiss, '/a')
    assert.equal(got.as, 'hit')
    assert.ok(got.body.equals(body))
  })
})

describe('a client that has received the last byte', () => {
  const lab = faultLab()
  const framings: Readonly<Record<string, Parameters<Origin['serve']>[1]>> = {
    'with a length': { body: bytes('last', 30_000), etag: '"1"' },
    'in chunks': { body: bytes('last', 30_000), etag: '"1"', framing: 'chunked' },
    'that is empty': { body: Buffer.alloc(0), etag: '"1"' },
  }

  for (const [framing, step] of Object.entries(framings)) {
    it(`finds the entry of a body ${framing} in every process, and a purge removes it`, async () => {
      const cacheDir = await lab.folder()
      const [here, elsewhere] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
      for (let i = 0; i < 20; i++) {
        const url = new URL(lab.origin.url(`/${i}`))
        lab.origin.serve(url.pathname, step)
        const purger = i % 2 === 0 ? here : elsewhere
        const artifact = await here.fetch({ url })
        await readContent(artifact.content)
        const listed = []
        for await (const entry of elsewhere.list()) listed.push(entry.url)
        assert.deepEqual(listed, [url.href])
        assert.equal((await purger.purge({ urls: [url] })).removed, 1)
        const again = await lab.get(i % 3 === 0 ? here : elsewhere, url.pathname, { offline: true })
        assert.equal(again.code, 'offline')
        await artifact.close('done')
      }
    })
  }

  it('finds the entry when it follows the download of another process', async () => {
    const cacheDir = await lab.folder()
    const [here, elsewhere] = [await lab.engine({ cacheDir }), await lab.engine({ cacheDir })]
    for (let i = 0; i < 10; i++) {
      const url = new URL(lab.origin.url(`/${i}`))
      lab.origin.script(url.pathname, [{ body: bytes('followed', 300_000), throttle: 3_000_000 }])
      const first = await here.fetch({ url })
      const second = await elsewhere.fetch({ url })
      assert.equal(second.as, 'collapsed')
      await readContent(second.content)
      assert.equal((await elsewhere.purge({ urls: [url] })).removed, 1)
      await Promise.all([first.close('aborted'), second.close('done')])
    }
  })
})
