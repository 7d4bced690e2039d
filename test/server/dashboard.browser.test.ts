import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { browsers } from './support/browser.js'
import { adminToken, downloads, entries, hostileUrls, labs, noAmounts, now, privateUrl } from './support/dashboard.js'

const pages = [
  '',
  'statistics/',
  'resources/successes/',
  'resources/successes/2',
  'resources/downloading/',
  'resources/scheduled/',
  'resources/failures/',
  'help/',
]

/** WCAG 2 contrast of each visible text with what is behind it, as the browser computed both: those below 4.5. */
function lowContrasts(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number)
    const luminance = ([r, g, b]) => {
      const linear = (c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)
      return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }
    const behind = (element) => {
      for (let e = element; e; e = e.parentElement) {
        const c = channels(getComputedStyle(e).backgroundColor)
        if (c.length === 3 || c[3] === 1) return c
      }
      return [255, 255, 255]
    }
    const low = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement
      if (!node.nodeValue.trim() || element.closest('noscript, .unseen, .skip') || element.offsetParent === null) continue
      const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))]
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
      if (ratio < 4.5) low.push(ratio.toFixed(2) + ' ' + node.nodeValue.trim().slice(0, 40))
    }
    return low
  })()`)
}

/** What a screen reader would stumble over. */
function obstacles(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const found = []
    const need = (condition, what) => condition || found.push(what)
    need(document.documentElement.lang === 'en', 'no language')
    need(document.title !== '', 'no title')
    for (const landmark of ['header', 'main', 'footer', 'nav[aria-label]'])
      need(document.querySelectorAll(landmark).length >= 1, 'no ' + landmark)
    need(document.querySelectorAll('h1').length === 1, 'not one h1')
    need(document.querySelectorAll('nav [aria-current=page]').length === 1, 'no current page')
    let level = 0
    for (const { tagName, textContent } of document.querySelectorAll('h1, h2, h3')) {
      need(Number(tagName[1]) <= level + 1, 'heading skips a level: ' + textContent)
      level = Number(tagName[1])
    }
    for (const input of document.querySelectorAll('input:not([type=hidden])'))
      need(input.labels.length > 0, 'no label: ' + input.outerHTML)
    for (const table of document.querySelectorAll('.list'))
      need(table.caption !== null && table.querySelector('th[scope=col]') && table.querySelector('th[scope=row]'), 'a table')
    for (const bar of document.querySelectorAll('progress')) need(bar.getAttribute('aria-label'), 'a bar without a name')
    for (const control of document.querySelectorAll('a, button'))
      need(control.textContent.trim() || control.getAttribute('aria-label'), 'no name: ' + control.outerHTML)
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
    need(new Set(ids).size === ids.length, 'an id twice')
    for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
      for (const id of ((e.getAttribute('aria-labelledby') ?? '') + ' ' + (e.getAttribute('aria-describedby') ?? '')).trim().split(/ +/))
        need(ids.includes(id), 'names what is not there: ' + id)
    return found
  })()`)
}

const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

describe('the dashboard in a browser', function () {
  this.timeout(60_000)
  const start = labs()
  const open = browsers()

  it('shows every page without a complaint of the browser, on a desk, on a phone and in the dark', async () => {
    const lab = await start({ egressPrice: 0.09 })
    const screens = [
      { viewport: { width: 1280, height: 800 } },
      { viewport: { width: 390, height: 844 }, isMobile: true },
      { viewport: { width: 1000, height: 800 }, colorScheme: 'dark' as const },
    ]
    for (const screen of screens) {
      const { page, complaints } = await open(screen)
      for (const path of pages) {
        await page.goto(lab.url + path)
        await page.waitForLoadState('load')
        const seen = {
          complaints: [...complaints],
          obstacles: await obstacles(page),
          contrasts: await lowContrasts(page),
          overflow: await overflow(page),
        }
        assert.deepEqual(seen, { complaints: [], obstacles: [], contrasts: [], overflow: 0 }, path)
      }
    }
  })

  it('shows hostile names as text, and runs nothing of them', async () => {
    const lab = await start()
    lab.engine.entries = entries.filter(({ url }) => (hostileUrls as readonly string[]).includes(url))
    const { page, complaints } = await open()
    await page.goto(`${lab.url}resources/successes/`)
    const shown = await page.locator('.artifact').evaluateAll((all) => all.map((e) => (e as { title?: string }).title))
    assert.deepEqual([...shown].sort(), hostileUrls.map((url) => url.replace('\u202e', '\ufffd')).sort())
    for (const path of pages) {
      await page.goto(lab.url + path)
      assert.match(await page.title(), /· kiss$/)
      assert.equal(await page.locator('main script, main img, main svg, [onerror], [onload], [onmouseover]').count(), 0)
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

  it('keeps figures and downloads up to date while somebody looks, and the focus where it was', async () => {
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
    await page.getByText('The origin is out of reach, or keeps failing').waitFor()
    await page.goto(`${lab.url}statistics/`)
    await page.locator('html[data-live=yes]').waitFor()
    lab.engine.state = { ...lab.engine.state, counts: { ...counts, requests_stale: 813 } }
    lab.tick()
    await page.getByRole('cell', { name: '813', exact: true }).waitFor()
    assert.deepEqual(complaints, [])
  })

  it('keeps the charts up to date, and the table open that somebody opened', async () => {
    const lab = await start()
    const { history } = lab.engine.figures
    lab.engine.figures.history = async (span) => (await history(span)).map(({ at }) => ({ at, amounts: undefined }))
    const { page, complaints } = await open()
    await page.clock.install()
    await page.goto(lab.url)
    await page.getByText('Nothing is known of the last hour yet. Its first point takes 10s.').waitFor()
    lab.engine.figures.history = history
    await page.clock.fastForward(30_000)
    await page.locator('.plot canvas').waitFor()
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
      await page.locator('.plot canvas').waitFor()
      await page.setViewportSize(wide)
      await page.waitForFunction(`document.querySelector('.plot canvas').width > 1000`)
      heights.push(await page.locator('.plot canvas').getAttribute('height'))
      assert.deepEqual(complaints, [])
    }
    assert.equal(heights[0], heights[1])
  })

  it('draws the charts of an hour, a day and a month, and says the same in tables', async () => {
    const lab = await start()
    const { page, complaints } = await open()
    await page.goto(`${lab.url}statistics/`)
    await page.locator('.plot canvas').nth(2).waitFor()
    assert.equal(await page.locator('.plot .u-legend').count(), 3)
    const inked = await page.evaluate(`[...document.querySelectorAll('.plot canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      return data.some((byte) => byte !== 0)
    })`)
    assert.deepEqual(inked, [true, true, true])
    await page.getByText('As a table').first().click()
    assert.equal(await page.locator('.chart').first().locator('.list tbody tr').count(), 12)
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
      for (const path of pages) {
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
