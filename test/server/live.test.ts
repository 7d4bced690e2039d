/** The stream of events that keeps an open page up to date. */
import assert from 'node:assert/strict'
import { get, open, readAll } from './support/client.js'
import { labs } from './support/dashboard.js'
import { adminToken } from './support/dashboard-contents.js'

const bearer = { Authorization: `Bearer ${adminToken}` }

describe('the live view', () => {
  const start = labs()

  /** The first complete event of a stream, as an object. */
  async function firstEvent(url: string, headers = {}): Promise<{ parts: Record<string, string>; said: string }> {
    const message = await open(url, { headers })
    let text = ''
    for await (const chunk of message) {
      text += String(chunk)
      const data = /^data: (.*)\n\n/m.exec(text)?.[1]
      if (data !== undefined) return JSON.parse(data) as { parts: Record<string, string>; said: string }
    }
    throw new Error(`the stream ended: ${text}`)
  }

  it('tells the state at once, to strangers without private downloads', async () => {
    const lab = await start()
    const stranger = await firstEvent(`${lab.url}events`)
    const admin = await firstEvent(`${lab.url}events`, bearer)
    assert.deepEqual(Object.keys(stranger.parts).sort(), [
      'downloading',
      'failures',
      'kinds',
      'n-downloading',
      'n-failed',
      'n-waiting',
      'quota',
      'scheduled',
      'tiles',
    ])
    assert.deepEqual([stranger.said, admin.said], ['6 downloads', '7 downloads'])
    assert.ok(!JSON.stringify(stranger).includes('secret'))
    assert.ok(JSON.stringify(admin).includes('secret'))
  })

  it('asks the engine once, however many look', async () => {
    const lab = await start()
    const status = lab.engine.status.bind(lab.engine)
    let asked = 0
    lab.engine.status = () => {
      asked++
      return status()
    }
    await Promise.all(Array.from({ length: 30 }, () => firstEvent(`${lab.url}events`)))
    assert.ok(asked < 30, `asked ${asked} times`)
  })

  it('admits ten listeners of a client and a hundred of all, and tells the next when to come again', async () => {
    const lab = await start({ access: { trustProxies: ['127.0.0.1'] } })
    const from = (client: string) => ({ headers: { 'X-Forwarded-For': client } })
    const watch = (client: string, length: number) =>
      Promise.all(Array.from({ length }, () => open(`${lab.url}events`, from(client))))
    // One client of IPv6 has a whole /64.
    const watching = await Promise.all(
      Array.from({ length: 10 }, (_, index) => watch(`2001:db8::${index + 1}`, 1)).concat(watch('10.0.0.1', 10)),
    )
    for (const client of ['10.0.0.1', '2001:db8::ffff']) {
      const refused = await get(`${lab.url}events`, from(client))
      assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '30'], client)
    }
    for (let client = 2; client <= 9; client++) watching.push(await watch(`10.0.0.${client}`, 10))
    assert.deepEqual([...new Set(watching.flat().map(({ statusCode }) => statusCode))], [200])
    assert.equal((await get(`${lab.url}events`, from('10.0.1.1'))).status, 503)
    const left = lab.records.next()
    watching.at(-1)!.pop()!.destroy()
    await left
    assert.equal((await open(`${lab.url}events`, from('10.0.1.1'))).statusCode, 200)
    for (const message of watching.flat()) message.destroy()
  })

  it('ends when the server closes', async () => {
    const lab = await start()
    const message = await open(`${lab.url}events`)
    const ended = readAll(message)
    await lab.close()
    assert.match((await ended).text, /^retry: /)
  })
})
