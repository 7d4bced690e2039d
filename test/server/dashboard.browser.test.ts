import assert from 'node:assert/strict'
import { browsers } from './support/browser.js'
import { labs } from './support/dashboard.js'
import { adminToken, entries, hostileUrls, now, privateUrl } from './support/dashboard-contents.js'

const listsOfArtifacts = [
  'resources/successes/',
  'resources/downloading/',
  'resources/scheduled/',
  'resources/failures/',
]
const live = ['', 'resources/downloading/']

describe('the dashboard in a browser', function () {
  this.timeout(180_000)
  const start = labs()
  const open = browsers()

  it('a page shows hostile names as text and runs none of their code', async () => {
    const lab = await start()
    lab.engine.entries = entries.filter(({ url }) => (hostileUrls as readonly string[]).includes(url))
    const { page, complaints } = await open()
    await page.goto(`${lab.url}resources/successes/`)
    const shown = await page.locator('.artifact').evaluateAll((all) => all.map((e) => (e as { title?: string }).title))
    assert.deepEqual([...shown].sort(), hostileUrls.map((url) => url.replace('\u202e', '\ufffd')).sort())
    const entryPages = lab.engine.entries.map(({ id }) => `entries/${id}`)
    for (const path of ['', 'statistics/', ...listsOfArtifacts, ...entryPages]) {
      await page.goto(lab.url + path)
      assert.match(await page.title(), /· kiss$/)
      assert.equal(
        await page.locator('main script, main img, main svg:not(.bars), [onerror], [onload], [onmouseover]').count(),
        0,
      )
    }
    assert.deepEqual(complaints, [])
  })

  it('a page shows a hostile search and a hostile address as text', async () => {
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

  it('the form turns a URL into the URL of the cache and copies it, with the keyboard alone', async () => {
    const lab = await start()
    const { page, context, complaints } = await open({}, { alone: true })
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

  it('the form, the search, the sorting, the pages and the reload work without script', async () => {
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

  it('only the admin sees private artifacts', async () => {
    const lab = await start()
    const stranger = await open()
    const admin = await open({ httpCredentials: { username: 'admin', password: adminToken } })
    await admin.page.goto(`${lab.url}sign-in`)
    assert.equal(admin.page.url(), lab.url)
    const seenBy = async ({ page }: typeof admin): Promise<string[]> => {
      const seen: string[] = []
      // The scripts add content to these.
      for (const path of live) {
        await page.goto(lab.url + path)
        await page.locator('html[data-live=yes]').waitFor()
        if ((await page.content()).includes('secret-project')) seen.push(path)
      }
      for (const path of ['statistics/', ...listsOfArtifacts, 'resources/successes/2', 'help/']) {
        if (live.includes(path)) continue
        const text = await page.evaluate(`fetch('/${path}').then((answer) => answer.text())`)
        if ((text as string).includes('secret-project')) seen.push(path)
      }
      return seen
    }
    assert.deepEqual(await seenBy(stranger), [])
    assert.deepEqual(await seenBy(admin), ['', 'resources/downloading/', 'resources/successes/', 'resources/failures/'])
    await admin.page.goto(`${lab.url}resources/successes/?q=secret-project`)
    assert.equal(await admin.page.locator(`[title="${privateUrl}"] .mark`).innerText(), 'private')
    assert.match(await admin.page.locator('footer').innerText(), /signed in as admin/)
  })

  it('every command of the help page names this server', async () => {
    const lab = await start()
    const { page } = await open()
    await page.goto(`${lab.url}help/`)
    const blocks = await page.locator('pre').allInnerTexts()
    assert.equal(blocks.length, 6)
    for (const block of blocks) assert.ok(block.includes(new URL(lab.url).host), block)
  })

  it('each relative time has the exact time behind it', async () => {
    const lab = await start()
    const { page } = await open()
    await page.goto(`${lab.url}resources/failures/`)
    const time = page.locator('time').first()
    assert.equal(await time.getAttribute('datetime'), new Date(now - 120_000).toISOString())
    assert.equal(await time.innerText(), '2m ago')
  })
})
