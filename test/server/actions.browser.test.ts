import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { systemClock } from '#kiss/clock.js'
import type { Engine } from '#kiss/engine/types.js'
import { openDashboard, type Dashboard } from '#kiss/server/dashboard.js'
import { startServer, type RunningServer } from '#kiss/server/server.js'
import { fetchAll, testEngines } from '../support/engine.js'
import { bytes, Origin } from '../support/origin.js'
import { browsers } from './support/browser.js'
import { adminToken } from './support/dashboard-contents.js'
import { TestLog } from './support/servers.js'

describe('the actions of the admin in a browser', function () {
  this.timeout(180_000)
  const engines = testEngines()
  const open = browsers()
  let origin: Origin
  let engine: Engine
  let server: RunningServer
  let dashboard: Dashboard

  beforeEach(async () => {
    origin = await Origin.start()
    for (const name of ['a', 'b', 'c']) origin.serve(`/${name}`, { body: bytes(name, 2_000_000), etag: `"${name}"` })
    engine = await engines.engine()
    for (const name of ['a', 'b', 'c']) await fetchAll(engine, origin.url(`/${name}`))
    dashboard = await openDashboard({ engine, clock: systemClock })
    const { routes } = dashboard
    const access = { adminTokens: [adminToken] }
    server = await startServer({ engine, log: new TestLog(), host: '127.0.0.1', port: 0, version: '1', access, routes })
  })
  afterEach(async () => {
    dashboard.close()
    await server.close()
    await origin.close()
  })

  const signedIn = async (javaScriptEnabled: boolean): Promise<{ page: Page; complaints: string[] }> => {
    const httpCredentials = { username: 'admin', password: adminToken }
    const { page, complaints } = await open({ javaScriptEnabled, httpCredentials })
    await page.goto(`${server.url}sign-in`)
    return { page, complaints }
  }
  const names = async (): Promise<string> => {
    const all: string[] = []
    for await (const { url } of engine.list()) all.push(url.slice(-1))
    return all.sort().join('')
  }
  const listed = (page: Page): Promise<string[]> => page.locator('.artifact .name').allInnerTexts()

  for (const script of [true, false]) {
    const how = script ? 'with script' : 'without script'

    it(`pins, unpins, refreshes and purges an entry on its page, ${how}`, async () => {
      const { page, complaints } = await signedIn(script)
      await page.getByRole('link', { name: 'Entries', exact: true }).click()
      await page.getByRole('link', { name: 'a', exact: true }).click()
      const said = (): Promise<string> => page.locator('.done').innerText()
      await page.getByRole('button', { name: 'Pin', exact: true }).click()
      assert.match(await said(), /is pinned/)
      await engine.purge({ all: true })
      assert.equal(await names(), 'a')

      const before = origin.requests.length
      await page.getByRole('button', { name: 'Refresh' }).click()
      assert.match(await said(), /fresh again/)
      assert.equal(origin.requests.length, before + 1)

      await page.goto(`${server.url}resources/successes/?state=pinned`)
      assert.equal(await page.locator('.artifact .mark').innerText(), 'pinned')
      await page.getByRole('link', { name: 'a', exact: true }).click()
      await page.getByRole('button', { name: 'Unpin' }).click()
      assert.match(await said(), /not pinned any more/)
      await page.goto(`${server.url}resources/successes/?state=pinned`)
      assert.deepEqual(await listed(page), [])

      await page.goto(`${server.url}resources/successes/`)
      await page.getByRole('link', { name: 'a', exact: true }).click()
      const sure = page.getByRole('button', { name: 'Purge it' })
      assert.equal(await sure.isVisible(), false)
      await page.getByText('Purge …').click()
      await sure.click()
      assert.match(await said(), /^1 removed/)
      assert.equal(await names(), '')
      assert.deepEqual(complaints, [])
    })

    it(`purges what the filters choose after it has shown it, ${how}`, async () => {
      const { page, complaints } = await signedIn(script)
      await page.goto(`${server.url}resources/successes/`)
      await page.getByLabel('Search').fill('/b')
      await page.getByLabel('Host').selectOption(new URL(origin.url('/')).host)
      await page.getByLabel('State').selectOption('fresh')
      await page.getByLabel('Larger than').selectOption({ label: 'over 1 MiB' })
      await page.getByRole('button', { name: 'Search' }).click()
      assert.deepEqual(await listed(page), ['b'])
      await page.getByRole('link', { name: /^Purge these 1/ }).click()
      assert.match(await page.locator('main').innerText(), /1 entry would be removed/)
      assert.deepEqual(await listed(page), ['b'])
      assert.equal(await names(), 'abc')
      await page.getByRole('link', { name: 'Keep them' }).click()
      assert.deepEqual(await listed(page), ['b'])
      await page.getByRole('link', { name: /^Purge these 1/ }).click()
      await page.getByRole('button', { name: 'Purge 1 entry' }).click()
      assert.match(await page.locator('.done').innerText(), /^1 removed/)
      assert.equal(await names(), 'ac')
      assert.deepEqual(complaints, [])
    })
  }

  it('are refused to a form of another site, which has no token of ours', async () => {
    const { page } = await signedIn(true)
    let id = ''
    for await (const entry of engine.list()) id = entry.id
    const form = `<form method="post" action="${server.url}entries/${id}/purge"><button>Win a prize</button></form>`
    await page.setContent(form)
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith('/purge')),
      page.getByRole('button').click(),
    ])
    assert.equal(answer.status(), 403)
    await page.getByRole('heading', { name: 'Nothing was changed' }).waitFor()
    assert.equal(await names(), 'abc')
  })
})
