import assert from 'node:assert/strict'
import { Flusher } from '#kiss/store/index/flusher.js'

describe('the flusher', () => {
  it('lets every source write, and throws what one of them threw', async () => {
    const flusher = new Flusher(() => assert.fail())
    const written: string[] = []
    flusher.add(async () => Promise.reject(new Error('no')))
    flusher.add(async () => void written.push('second'))
    await assert.rejects(flusher.flush(), { message: 'no' })
    assert.deepEqual(written, ['second'])
  })

  it('writes once at a time, and once more for calls in between', async () => {
    const flusher = new Flusher(() => assert.fail())
    let writing = 0
    let writes = 0
    flusher.add(async () => {
      assert.equal(++writing, 1)
      await new Promise(setImmediate)
      writing--
      writes++
    })
    await Promise.all([flusher.flush(), flusher.flush(), flusher.flush()])
    assert.equal(writes, 3)
  })

  it('writes by itself once it is armed, and warns once while that fails', async () => {
    const warnings: string[] = []
    const flusher = new Flusher((message) => warnings.push(message))
    let writes = 0
    const done = new Promise<void>((resolve) => {
      flusher.add(async () => {
        writes++
        if (writes < 3) throw new Error('the disk is full')
        resolve()
      })
    })
    flusher.arm()
    // Its timer does not keep a process alive; something has to.
    const alive = setInterval(() => undefined, 1_000)
    await done
    clearInterval(alive)
    await flusher.close()
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, /the disk is full/)
  })
})
