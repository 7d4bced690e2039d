import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { testEngines } from '../support/engine.js'
import { bytes, sha256 } from '../support/origin.js'

describe('the bodies of a bundle that is being loaded', () => {
  const engines = testEngines()
  const body = bytes('taken', 10_000)

  async function* chunks(): AsyncGenerator<Buffer> {
    yield body
  }

  it('are removed when their process was killed, and left to one that lives', async () => {
    const cacheDir = await engines.folder()
    const kiss = await engines.engine({ cacheDir })
    const [killed, living] = [kiss.intake(), kiss.intake()]
    const transfers = path.join(cacheDir, 'transfers')
    await killed.write({ sha256: sha256(body), size: body.length }, chunks())
    const [folder] = readdirSync(transfers)
    const owner = path.join(transfers, folder!, 'owner')
    // The highest pid of Linux is 2^22.
    writeFileSync(owner, JSON.stringify({ ...JSON.parse(readFileSync(owner, 'utf8')), pid: 2 ** 22 + 1 }))
    await living.write({ sha256: sha256(body), size: body.length }, chunks())

    const { orphans } = await kiss.verify()
    assert.deepEqual(orphans, [path.join('transfers', folder!)])
    assert.equal(readdirSync(transfers).length, 1)
    await living.close()
    assert.deepEqual(readdirSync(transfers), [])
    await killed.close()
  })
})
