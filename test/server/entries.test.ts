import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Entry } from '#kiss/store/types.js'
import { get, open } from './support/client.js'
import { testServers, type TestServer } from './support/servers.js'

const bearer = { headers: { Authorization: 'Bearer the-admin' } }
const access = { adminTokens: ['the-admin'] }

function entry(index: number, url = `https://o/${index}`): Entry {
  return {
    id: index.toString(16).padStart(64, '0'),
    url,
    size: index,
    sha256: 'a'.repeat(64),
    storedAt: 0,
    staleAt: 0,
    lastUsedAt: 0,
    hits: 0,
    private: false,
  } as Entry
}

/** In the order of their ids, as the store lists them. */
function holds(server: TestServer, entries: readonly Entry[]): void {
  server.engine.list = async function* (after) {
    yield* entries.filter(({ id }) => after === undefined || id > after)
  }
}

interface Page {
  readonly entries: readonly { readonly url: string }[]
  readonly next?: string
}

describe('the list of entries', () => {
  const start = testServers()

  it('is for the administrator alone', async () => {
    const server = await start({ access })
    const address = `${server.url}api/v1/entries/`
    assert.equal((await get(address)).status, 401)
    assert.equal((await get(`${address}?match=**`)).status, 401)
    assert.equal((await get(address, bearer)).status, 200)
    const other = await start()
    assert.equal((await get(`${other.url}api/v1/entries/`)).status, 405)
  })

  it('comes in pages that are complete and without repetition', async () => {
    const server = await start({ access })
    const entries = Array.from({ length: 25 }, (_, index) => entry(index + 1))
    holds(server, entries)
    const seen: string[] = []
    const sizes: number[] = []
    for (let after: string | undefined = ''; after !== undefined;) {
      const query: string = `limit=10${after === '' ? '' : `&after=${after}`}`
      const page = JSON.parse((await get(`${server.url}api/v1/entries/?${query}`, bearer)).text) as Page
      seen.push(...page.entries.map(({ url }) => url))
      sizes.push(page.entries.length)
      after = page.next
    }
    assert.deepEqual(sizes, [10, 10, 5])
    assert.deepEqual(
      seen,
      entries.map(({ url }) => url),
    )
    for (const query of ['limit=0', 'limit=10001', 'limit=x', 'after=x', 'after=']) {
      assert.equal((await get(`${server.url}api/v1/entries/?${query}`, bearer)).status, 400, query)
    }
  })

  it('waits for readers that do not read, and refuses more than four of them', async () => {
    const server = await start({ access })
    let made = 0
    server.engine.list = async function* () {
      for (let index = 0; index < 200_000; index++) {
        made++
        yield entry(index, `https://o/${'x'.repeat(1000)}`)
      }
    }
    const sockets = Array.from({ length: 4 }, () => connect(server.port, '127.0.0.1').pause())
    for (const socket of sockets) {
      socket.write(`GET /api/v1/entries/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer the-admin\r\n\r\n`)
      await once(socket, 'readable')
    }
    const refused = await get(`${server.url}api/v1/entries/`, bearer)
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '5'])
    assert.ok(made < 100_000, `${made} entries were read for readers that read nothing`)
    for (const socket of sockets) {
      const left = server.records.next()
      socket.destroy()
      await left
    }
    assert.equal((await get(`${server.url}api/v1/entries/?limit=1`, bearer)).status, 200)
  })

  it('answers others while a pattern is matched against long URLs', async () => {
    const server = await start({ access })
    holds(
      server,
      Array.from({ length: 300 }, (_, index) => entry(index + 1, `https://o/${'a'.repeat(8000)}`)),
    )
    const pattern = `https://o/${'**a?'.repeat(5)}b`
    const listing = open(`${server.url}api/v1/entries/?match=${encodeURIComponent(pattern)}`, bearer)
    assert.equal((await get(`${server.url}api/v1/health/`)).status, 200)
    ;(await listing).destroy()
    for (const match of ['**?'.repeat(17), 'x'.repeat(501)]) {
      const answer = await get(`${server.url}api/v1/entries/?match=${encodeURIComponent(match)}`, bearer)
      assert.equal(answer.status, 400)
    }
  })
})
