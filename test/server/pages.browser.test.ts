/** Every page of the dashboard in a browser: axe-core and the browser itself find nothing to complain of. */
import assert from 'node:assert/strict'
import { overflow, violations } from './support/axe.js'
import { browsers } from './support/browser.js'
import { labs } from './support/dashboard.js'
import { adminToken, entries, labCluster } from './support/dashboard-contents.js'

/** Pages whose markup differs. */
const kinds = [
  '',
  'statistics/',
  'resources/successes/',
  'resources/downloading/',
  'resources/scheduled/',
  'resources/failures/',
  'help/',
  `entries/${entries[0]!.id}`,
  'nothing/here',
]
/** Pages with the markup of another one and other content. */
const further = ['resources/successes/2', `entries/${entries.find(({ url }) => url.endsWith('?…'))!.id}`]
const phone = { viewport: { width: 390, height: 844 }, isMobile: true }

describe('a page of the dashboard', function () {
  this.timeout(180_000)
  const start = labs()
  const open = browsers()

  it('has no complaint of the browser or of axe-core on a desk, in the dark and at the width of a phone', async () => {
    const lab = await start({ egressPrice: { amount: 0.09, unit: 'USD' } })
    const desk = { width: 1280, height: 800 }
    const { page, complaints } = await open({ viewport: desk })
    for (const path of kinds) {
      await page.setViewportSize(desk)
      await page.goto(lab.url + path)
      assert.deepEqual([await violations(page), await overflow(page)], [[], 0], path)
      // The dark scheme changes colours alone.
      await page.emulateMedia({ colorScheme: 'dark' })
      assert.deepEqual(await violations(page, { only: ['color-contrast'] }), [], `${path} in the dark`)
      await page.emulateMedia({ colorScheme: 'light' })
      await page.setViewportSize(phone.viewport)
      assert.deepEqual([await violations(page), await overflow(page)], [[], 0], `${path} on a phone`)
      // The browser reports the missing page.
      if (path === 'nothing/here') assert.match(complaints.splice(0).join(), /404/)
      assert.deepEqual(complaints, [], path)
    }
    await page.setViewportSize(desk)
    for (const path of further) {
      await page.goto(lab.url + path)
      assert.deepEqual([await overflow(page), complaints], [0, []], path)
    }
  })

  it('fits into the window of a phone, without a complaint of the browser', async () => {
    const lab = await start({ egressPrice: { amount: 0.09, unit: 'USD' } })
    const { page, complaints } = await open(phone)
    for (const path of [...kinds, ...further]) {
      await page.goto(lab.url + path)
      assert.equal(await overflow(page), 0, path)
    }
    assert.match(complaints.join(), /404/)
    assert.ok(
      complaints.every((complaint) => complaint.includes('404')),
      complaints.join(),
    )
  })

  it('of the nodes of a cluster has no complaint, on a desk, on a phone and in the dark, and no such page on a single machine', async () => {
    const lab = await start()
    for (const screen of [{ viewport: { width: 1000, height: 800 } }, phone]) {
      const { page, complaints } = await open(screen)
      lab.engine.cluster = undefined
      await page.goto(lab.url)
      assert.equal(await page.getByRole('link', { name: 'Nodes' }).count(), 0)
      lab.engine.cluster = labCluster
      await page.goto(lab.url)
      await page.getByRole('link', { name: 'Nodes' }).click()
      await page.getByRole('heading', { name: 'Nodes' }).waitFor()
      assert.deepEqual([await violations(page), await overflow(page)], [[], 0])
      const shown = (await page.locator('tbody tr').allTextContents()).map((text) => text.replace(/\s+/g, ' ').trim())
      const expected = [
        /<b>node3 ?– ?absent ?– ?– ?– ?2h ago/,
        /node1\.example\.com:8001 this node ?1\.2\.3 ?serving ?2 ?3 GiB ?7 GiB/,
        /node2\.example\.com:8001 ?1\.2\.4 ?draining/,
      ]
      expected.forEach((pattern, i) => assert.match(shown[i] ?? '', pattern))
      assert.match(await page.locator('main').innerText(), /2 of 3 nodes present/)
      assert.match(await page.locator('main').innerText(), /Redis does not answer/)
      await page.emulateMedia({ colorScheme: 'dark' })
      assert.deepEqual(await violations(page, { only: ['color-contrast'] }), [])
      assert.deepEqual(complaints, [])
    }
  })

  it('of the admin has no violation of axe-core, on a wide screen in the dark', async () => {
    const lab = await start()
    const admin = await open({
      colorScheme: 'dark',
      viewport: { width: 1920, height: 1080 },
      httpCredentials: { username: 'admin', password: adminToken },
    })
    await admin.page.goto(`${lab.url}sign-in`)
    const { page, complaints } = admin
    for (const path of [
      'resources/successes/',
      'resources/failures/',
      `entries/${entries[0]!.id}`,
      'entries/purge?q=rootfs',
    ]) {
      await page.goto(lab.url + path)
      assert.deepEqual([await violations(page), await overflow(page)], [[], 0], path)
    }
    assert.deepEqual(complaints, [])
  })

  it('is free of violations while nothing is stored, and with ten thousand entries', async () => {
    const lab = await start()
    const { page, complaints } = await open()
    lab.engine.state = { ...lab.engine.state, entries: 0, downloads: [], failures: [] }
    lab.engine.entries = []
    for (const path of ['', 'statistics/', 'resources/successes/', 'resources/failures/']) {
      await page.goto(lab.url + path)
      assert.deepEqual([await violations(page), await overflow(page)], [[], 0], path)
    }
    assert.match(await page.locator('nav').first().innerText(), /Entries/)
    const many = Array.from({ length: 10_000 }, (_, i) => ({ ...entries[i % 100]!, id: `${i}`.padStart(64, '0') }))
    lab.engine.entries = many
    lab.engine.state = { ...lab.engine.state, entries: many.length }
    await page.goto(lab.url)
    assert.equal(await overflow(page), 0)
    await page.goto(`${lab.url}resources/successes/200`)
    assert.deepEqual([await violations(page), await overflow(page)], [[], 0])
    assert.match(await page.locator('.pager').innerText(), /Page 200 of 200/)
    assert.deepEqual(complaints, [])
  })
})
