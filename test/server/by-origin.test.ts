/** How long a server keeps an answer when the origin decides, and when it validates. */
import assert from 'node:assert/strict'
import { until } from '../support/until.js'
import { byOriginLab, fresh } from './support/by-origin.js'

describe('a server that keeps answers for as long as the origin says', () => {
  const here = byOriginLab()
  const { answers, start, asked } = here
  const seconds = (count: number): void => here.clock.move(count * 1000)

  it('serves an answer for as long as its fields say, with all of them and its age', async () => {
    answers('/a', { headers: { ...fresh, age: '10', 'x-any': 'thing', etag: '"1"' }, body: 'one' }, { body: 'two' })
    const { ask } = await start()
    const first = await ask('/a')
    assert.deepEqual([first.text, first.headers['x-any'], first.headers.age], ['one', 'thing', '10'])
    assert.equal(first.headers['cache-status'], 'kiss; fwd=uri-miss; fwd-status=200; stored')
    seconds(30)
    const second = await ask('/a')
    assert.deepEqual([second.text, second.headers['x-any']], ['one', 'thing'])
    assert.equal(second.headers.date, first.headers.date)
    assert.ok(Number(second.headers.age) >= 40)
    assert.match(String(second.headers['cache-status']), /^kiss; hit; ttl=\d+$/)
    seconds(30)
    assert.equal((await ask('/a')).text, 'two')
  })

  it('validates a stale answer, and gives every field of the confirmation and its new lifetime', async () => {
    answers(
      '/a',
      { headers: { ...fresh, etag: '"1"', a: '1', b: '1' }, body: 'one' },
      { status: 304, headers: { 'cache-control': 'max-age=120', etag: '"1"', a: '2' } },
    )
    const { ask } = await start()
    await ask('/a')
    seconds(61)
    const confirmed = await ask('/a')
    assert.deepEqual([confirmed.text, confirmed.headers['a'], confirmed.headers['b']], ['one', '2', '1'])
    assert.match(String(confirmed.headers['cache-status']), /^kiss; fwd=stale; fwd-status=304/)
    seconds(100)
    assert.equal((await ask('/a')).headers['a'], '2')
    assert.equal(asked('/a'), 2)
  })

  it('asks for the whole answer if a 304 confirms another one', async () => {
    answers(
      '/a',
      { headers: { 'cache-control': 'no-cache', etag: '"1"' }, body: 'one' },
      { status: 304, headers: { etag: '"2"' } },
      { headers: { etag: '"2"' }, body: 'two' },
    )
    const { ask } = await start()
    await ask('/a')
    assert.equal((await ask('/a')).text, 'two')
  })

  it('obeys the Cache-Control directives of requests', async () => {
    answers('/a', { headers: { ...fresh, etag: '"1"' }, body: 'one' }, { status: 304 })
    const { ask } = await start()
    await ask('/a')
    const cc = (value: string) => ({ headers: { 'cache-control': value } })
    await ask('/a', cc('max-age=0'))
    await ask('/a', cc('no-cache'))
    assert.equal(asked('/a'), 3)
    assert.equal((await ask('/b', cc('only-if-cached'))).status, 504)
    assert.equal((await ask('/a', cc('only-if-cached'))).text, 'one')
    seconds(1000)
    assert.equal((await ask('/a', cc('max-stale'))).text, 'one')
    assert.equal(asked('/a'), 3)
    assert.equal((await ask('/a', {}, '&ttl=10')).text, 'one')
    assert.equal(asked('/a'), 4)
    seconds(11)
    await ask('/a', {}, '&ttl=10')
    assert.equal(asked('/a'), 5)
  })

  it('serves a stale answer while the origin is down, unless the answer forbids it', async () => {
    const { ask } = await start()
    const table: [name: string, cacheControl: string, status: number][] = [
      ['plain', 'max-age=60', 200],
      ['must', 'max-age=60, must-revalidate', 502],
      ['proxy', 'max-age=60, proxy-revalidate', 502],
      ['shared', 's-maxage=60', 502],
    ]
    for (const [name, cacheControl, expected] of table) {
      here.origin.script(`/${name}`, [
        { body: Buffer.from('one'), extra: { 'cache-control': cacheControl } },
        { drop: 'fin' },
      ])
      await ask(`/${name}`)
      seconds(90)
      const got = await ask(`/${name}`)
      assert.equal(got.status, expected, name)
      if (expected === 200) assert.match(String(got.headers['cache-status']), /; detail=stale-if-error$/)
    }
    answers('/error', { headers: { 'cache-control': 'max-age=60, stale-if-error=60' }, body: 'one' }, { status: 503 })
    await ask('/error')
    seconds(90)
    assert.equal((await ask('/error')).text, 'one')
    seconds(60)
    assert.equal((await ask('/error')).status, 503)
  })

  it('serves a stale answer and validates it in the background if the origin allows it', async () => {
    answers(
      '/a',
      { headers: { 'cache-control': 'max-age=60, stale-while-revalidate=60', etag: '"1"' }, body: 'one' },
      { headers: { ...fresh, etag: '"2"' }, body: 'two' },
    )
    const { ask } = await start()
    await ask('/a')
    seconds(90)
    assert.equal((await ask('/a')).text, 'one')
    await until('the new answer', async () => (await ask('/a')).text === 'two')
    assert.equal(asked('/a'), 2)
  })
})
