import assert from 'node:assert/strict'
import { browsers } from './support/browser.js'
import { labs } from './support/dashboard.js'
import { downloads, noAmounts } from './support/dashboard-contents.js'

describe('an open page of the dashboard', function () {
  this.timeout(180_000)
  const start = labs()
  const open = browsers()

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
    const { page, complaints } = await open({}, { alone: true })
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
    const { page, complaints } = await open({ viewport: { width: 320, height: 800 } })
    const wide = { width: 1280, height: 800 }
    const heights: (string | null)[] = []
    for (const viewport of [{ width: 320, height: 800 }, wide]) {
      await page.setViewportSize(viewport)
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
})
