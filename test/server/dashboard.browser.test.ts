import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { browsers } from './support/browser.js'
import {
  adminToken,
  downloads,
  entries,
  hostileUrls,
  labCluster,
  labs,
  noAmounts,
  now,
  privateUrl,
} from './support/dashboard.js'

const lists = [
  '',
  'statistics/',
  'resources/successes/',
  'resources/successes/2',
  'resources/downloading/',
  'resources/scheduled/',
  'resources/failures/',
  'help/',
]
const pages = [
  ...lists,
  `entries/${entries[0]!.id}`,
  `entries/${entries.find(({ url }) => url.endsWith('?…'))!.id}`,
  'nothing/here',
]

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** Violations that axe-core finds, by all of its rules or by some: rule and element. */
async function violations(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(await readFile(axe, 'utf8'))
  const options = JSON.stringify({ resultTypes: ['violations'], ...(rules && { runOnly: rules }) })
  return page.evaluate(`axe.run(document, ${options}).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ' ' + html.slice(0, 120))))`)
}

const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

describe('the dashboard in a browser', function () {
  this.timeout(180_000)
  const start = labs()
  const open = browsers()

  it('shows every page without a complaint of the browser or of axe-core, on a desk and in the dark', async () => {
    const lab = await start({ egressPrice: { amount: 0.09, unit: 'USD' } })
    const { page, complaints } = await open({ viewport: { width: 1280, height: 800 } })
    for (const path of pages) {
      await page.emulateMedia({ colorScheme: 'light' })
      await page.goto(lab.url + path)
      assert.deepEqual([await violations(page), await overflow(page)], [[], 0], path)
      // The dark scheme changes colours alone.
      await page.emulateMedia({ colorScheme: 'dark' })
      assert.deepEqual(await violations(page, ['color-contrast']), [], `${path} in the dark`)
      // The browser reports the missing page.
      if (path === 'nothing/here') assert.match(complaints.splice(0).join(), /404/)
      assert.deepEqual(complaints, [], path)
    }
  })

  it('shows every page without a complaint of the browser or of axe-core on a phone', async () => {
    const lab = await start({ egressPrice: { amount: 0.09, unit: 'USD' } })
    const { page, complaints } = await open({ viewport: { width: 390, height: 844 }, isMobile: true })
    for (const path of pages) {
      await page.goto(lab.url + path)
      assert.deepEqual([await violations(page), await overflow(page)], [[], 0], path)
    }
    assert.match(complaints.join(), /404/)
    assert.ok(
      complaints.every((complaint) => complaint.includes('404')),
      complaints.join(),
    )
  })

  it('shows the nodes of a cluster, on a desk, on a phone and in the dark, and no such page on a single machine', async () => {
    const lab = await start()
    const screens = [
      {},
      { viewport: { width: 390, height: 844 }, isMobile: true },
      { viewport: { width: 1000, height: 800 }, colorScheme: 'dark' as const },
    ]
    for (const screen of screens) {
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
      assert.deepEqual(complaints, [])
    }
  })

  it('has no violation of axe-core on the pages of the admin, on a wide screen in the dark', async () => {
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
    const many = Array.from({ length: 10_000 }, (_, i) => ({ ...entries[i % 100]!, id: `${i}`.padStart(64, '0') }))
    for (const some of [[], many]) {
      lab.engine.entries = some
      lab.engine.state = { ...lab.engine.state, entries: some.length, downloads: [], failures: [] }
      for (const path of ['', 'statistics/', 'resources/successes/', 'resources/failures/']) {
        await page.goto(lab.url + path)
        assert.deepEqual([await violations(page), await overflow(page)], [[], 0], path)
      }
    }
    assert.match(await page.locator('nav').first().innerText(), /Entries/)
    await page.goto(`${lab.url}resources/successes/200`)
    assert.match(await page.locator('.pager').innerText(), /Page 200 of 200/)
    assert.deepEqual(complaints, [])
  })

  it('shows hostile names as text, and runs nothing of them', async () => {
    const lab = await start()
    lab.engine.entries = entries.filter(({ url }) => (hostileUrls as readonly string[]).includes(url))
    const { page, complaints } = await open()
    await page.goto(`${lab.url}resources/successes/`)
    const shown = await page.locator('.artifact').evaluateAll((all) => all.map((e) => (e as { title?: string }).title))
    assert.deepEqual([...shown].sort(), hostileUrls.map((url) => url.replace('\u202e', '\ufffd')).sort())
    for (const path of [...lists, ...lab.engine.entries.map(({ id }) => `entries/${id}`)]) {
      await page.goto(lab.url + path)
      assert.match(await page.title(), /· kiss$/)
      assert.equal(
        await page.locator('main script, main img, main svg:not(.bars), [onerror], [onload], [onmouseover]').count(),
        0,
      )
    }
    assert.deepEqual(complaints, [])
  })

  it('says the same of a hostile search, and of a hostile address', async () => {
    const lab = await start()
    const { page, complaints } = await open()
    const hostile = `"><script>document.title='searched'</script>`
    await page.goto(
      `${lab.url}resources/successes/?q=${encodeURIComponent(hostile)}&sort=${encodeURIComponent(hostile)}`,
    )
    assert.equal(await page.getByLabel('Search').inputValue(), hostile)
    assert.match(await page.locator('.empty').innerText(), /No entry/)
    await page.goto(`${lab.url}?url=${encodeURIComponent(hostile)}`)
    assert.match(await page.locator('#url-hint').innerText(), /no absolute URL/)
    assert.equal(await page.title(), 'Overview · kiss')
    assert.deepEqual(complaints, [])
  })

  it('turns a URL into the one of the cache, by script and by keyboard alone, and copies it', async () => {
    const lab = await start()
    const { page, context, complaints } = await open()
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(lab.url)
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.type('https://a.example/x y?a=1&b=ü')
    const expected = `${lab.url}api/v1/fetch?url=${encodeURIComponent('https://a.example/x y?a=1&b=ü')}`
    assert.equal(await page.getByLabel('Through this cache').inputValue(), expected)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('Copied').waitFor()
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), expected)
    assert.equal(page.url().replace(/#main$/, ''), lab.url, 'the URL was sent nowhere')
    assert.deepEqual(complaints, [])
  })

  it('works without script: form, search, sorting, pages; and loads itself again', async () => {
    const lab = await start()
    const { page, complaints } = await open({ javaScriptEnabled: false })
    await page.goto(lab.url)
    assert.match(await page.content(), /<noscript><meta http-equiv="refresh" content="60"/)
    assert.equal(await page.getByRole('button', { name: 'Copy' }).count(), 0)
    assert.equal(await page.getByRole('table', { name: 'Downloaded and served' }).getByRole('row').count(), 13)
    await page.getByLabel('URL of an artifact').fill('https://a.example/b')
    await page.getByRole('button', { name: 'Convert' }).click()
    const expected = `${lab.url}api/v1/fetch?url=${encodeURIComponent('https://a.example/b')}`
    assert.equal(await page.getByLabel('Through this cache').inputValue(), expected)

    await page.getByRole('link', { name: 'Entries', exact: true }).click()
    await page.getByLabel('Search').fill('ROOTFS')
    await page.getByRole('button', { name: 'Search' }).click()
    assert.match(await page.locator('main').innerText(), /22 of 140 entries/)
    await page.getByRole('link', { name: 'Size' }).click()
    assert.equal(await page.locator('th[aria-sort]').getAttribute('aria-sort'), 'descending')
    const sizes = await page
      .locator('td[data-label=Size] data')
      .evaluateAll((all) => all.map((e) => Number((e as unknown as { value: string }).value)))
    assert.deepEqual(
      sizes,
      [...sizes].sort((a, b) => b - a),
    )
    await page.getByRole('link', { name: 'Size' }).click()
    assert.equal(await page.locator('th[aria-sort]').getAttribute('aria-sort'), 'ascending')
    await page.getByRole('link', { name: 'Show all' }).click()
    await page.getByRole('link', { name: 'Next' }).click()
    assert.match(await page.locator('.pager').innerText(), /Page 2 of 3/)
    assert.deepEqual(complaints, [])
  })

  it('keeps figures and downloads up to date on an open page, and the focus where it was', async () => {
    const lab = await start()
    const { page, complaints } = await open()
    await page.goto(lab.url)
    await page.locator('html[data-live=yes]').waitFor()
    await page.getByLabel('URL of an artifact').focus()
    const [first] = downloads
    lab.engine.state = { ...lab.engine.state, downloads: [{ ...first!, received: 983 * 1024 * 1024, readers: 51 }] }
    lab.tick()
    await page.getByRole('cell', { name: '51', exact: true }).waitFor()
    assert.equal(
      await page.getByRole('progressbar', { name: /rootfs/ }).getAttribute('value'),
      String(983 * 1024 * 1024),
    )
    assert.equal(await page.locator('#connection').innerText(), 'Live: 1 download')
    assert.equal(await page.evaluate('document.activeElement.id'), 'url')
    lab.engine.state = { ...lab.engine.state, downloads: [] }
    lab.tick()
    await page.getByText('Nothing is being downloaded.').waitFor()
    assert.deepEqual(complaints, [])
  })

  it('shows a failure and how requests were answered as soon as they are known', async () => {
    const lab = await start()
    const { failures, counts } = lab.engine.state
    lab.engine.state = { ...lab.engine.state, failures: [] }
    const { page, complaints } = await open()
    await page.goto(lab.url)
    await page.getByText('Nothing has failed.').waitFor()
    await page.locator('html[data-live=yes]').waitFor()
    lab.engine.state = { ...lab.engine.state, failures }
    lab.tick()
    await page.getByText('The origin is unreachable or keeps failing').waitFor()
    await page.goto(`${lab.url}statistics/`)
    await page.locator('html[data-live=yes]').waitFor()
    lab.engine.state = { ...lab.engine.state, counts: { ...counts, requests_stale: 813 } }
    lab.tick()
    await page.getByRole('cell', { name: '813', exact: true }).waitFor()
    assert.deepEqual(complaints, [])
  })

  it('keeps the charts up to date, and an opened table open', async () => {
    const lab = await start()
    const { history } = lab.engine.figures
    lab.engine.figures.history = async (span) => (await history(span)).map(({ at }) => ({ at, amounts: undefined }))
    const { page, complaints } = await open()
    await page.clock.install()
    await page.goto(lab.url)
    await page.getByText('No data for the last hour yet. The first point appears after 10s.').waitFor()
    lab.engine.figures.history = history
    await page.clock.fastForward(30_000)
    await page.locator('.plot canvas').first().waitFor()
    await page.getByText('As a table').click()
    const amounts = { ...noAmounts, downloaded: 1, served: 2 ** 40, served_hit: 2 ** 40, answered: 2, hits: 1 }
    lab.engine.figures.history = async (span) => (await history(span)).map(({ at }) => ({ at, amounts }))
    await page.clock.fastForward(30_000)
    await page.getByText('360 TiB served').waitFor()
    assert.equal(
      await page
        .locator('.chart .list')
        .innerText()
        .then((text) => text.includes('30 TiB')),
      true,
    )
    assert.deepEqual(complaints, [])
  })

  it('draws a chart as wide as the window becomes, as if it had always been', async () => {
    const lab = await start()
    const wide = { width: 1280, height: 800 }
    const heights: (string | null)[] = []
    for (const viewport of [{ width: 320, height: 800 }, wide]) {
      const { page, complaints } = await open({ viewport })
      await page.goto(lab.url)
      await page.locator('.plot canvas').first().waitFor()
      await page.setViewportSize(wide)
      await page.waitForFunction(`document.querySelector('.plot canvas').width > 1000`)
      heights.push(await page.locator('.plot canvas').first().getAttribute('height'))
      assert.deepEqual(complaints, [])
    }
    assert.equal(heights[0], heights[1])
  })

  it('draws the charts of an hour, a day and a month, and says the same in tables', async () => {
    const lab = await start()
    const { page, complaints } = await open()
    await page.goto(`${lab.url}statistics/`)
    await page.locator('.plot canvas').nth(5).waitFor()
    assert.equal(await page.locator('.plot .u-legend').count(), 6)
    const inked = await page.evaluate(`[...document.querySelectorAll('.plot canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      return data.some((byte) => byte !== 0)
    })`)
    assert.deepEqual(inked, Array(6).fill(true))
    await page.getByText('As a table').first().click()
    assert.equal(await page.locator('.chart').first().locator('.list tbody tr').count(), 12)
    assert.deepEqual(complaints, [])
  })

  it('moves through a chart by the keyboard, and says what it points at', async () => {
    const lab = await start()
    const { page, complaints } = await open()
    await page.goto(lab.url)
    await page.locator('.plot canvas').first().waitFor()
    const frame = page.locator('.plots')
    await frame.focus()
    await page.keyboard.press('ArrowLeft')
    const said = page.locator('[data-said]')
    const text = (await said.textContent()) ?? ''
    assert.match(text, /^\d\d:\d\d:\d\d: served [\d.]+ [KM]iB\/s, downloaded [\d.]+ [KM]iB\/s, hit ratio [\d.]+ %$/)
    const times = (): Promise<string[]> => page.locator('.u-legend .u-series:first-child .u-value').allInnerTexts()
    const pointed = await times()
    assert.deepEqual(pointed, Array(2).fill(text.slice(0, 8)), 'both drawings point at the same moment')
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowLeft')
    assert.notDeepEqual(await times(), pointed)
    await page.keyboard.press('End')
    await page.keyboard.press('Home')
    assert.match((await said.textContent()) ?? '', /served –/)
    assert.deepEqual(complaints, [])
  })

  it('keeps the numbers on the navigation up to date on every page', async () => {
    const lab = await start()
    const { page, complaints } = await open()
    await page.goto(`${lab.url}help/`)
    await page.locator('html[data-live=yes]').waitFor()
    lab.engine.state = { ...lab.engine.state, downloads: downloads.slice(0, 1) }
    lab.tick()
    await page.locator('[data-live=n-downloading]', { hasText: /^1$/ }).waitFor()
    assert.equal(await page.locator('[data-live=n-waiting]').innerText(), '')
    assert.deepEqual(complaints, [])
  })

  it('shows private artifacts to the admin alone', async () => {
    const lab = await start()
    const stranger = await open()
    const admin = await open({ httpCredentials: { username: 'admin', password: adminToken } })
    await admin.page.goto(`${lab.url}sign-in`)
    assert.equal(admin.page.url(), lab.url)
    const seenBy = async ({ page }: typeof admin): Promise<string[]> => {
      const seen: string[] = []
      for (const path of lists) {
        await page.goto(lab.url + path)
        if ((await page.content()).includes('secret-project')) seen.push(path)
      }
      return seen
    }
    assert.deepEqual(await seenBy(stranger), [])
    assert.deepEqual(await seenBy(admin), ['', 'resources/successes/', 'resources/downloading/', 'resources/failures/'])
    await admin.page.goto(`${lab.url}resources/successes/?q=secret-project`)
    assert.equal(await admin.page.locator(`[title="${privateUrl}"] .mark`).innerText(), 'private')
    assert.match(await admin.page.locator('footer').innerText(), /signed in as admin/)
  })

  it('has help with this server in every line', async () => {
    const lab = await start()
    const { page } = await open()
    await page.goto(`${lab.url}help/`)
    const blocks = await page.locator('pre').allInnerTexts()
    assert.equal(blocks.length, 6)
    for (const block of blocks) assert.ok(block.includes(new URL(lab.url).host), block)
  })

  it('says when it was: the exact time stands behind each', async () => {
    const lab = await start()
    const { page } = await open()
    await page.goto(`${lab.url}resources/failures/`)
    const time = page.locator('time').first()
    assert.equal(await time.getAttribute('datetime'), new Date(now - 120_000).toISOString())
    assert.equal(await time.innerText(), '2m ago')
  })
})
