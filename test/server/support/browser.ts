/** A real browser for the tests: Debian's Chromium, driven by playwright-core. */

import { existsSync } from 'node:fs'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'

/** The first one draws no window: the tests take three quarters of the processor time with it. */
const executablePath = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((path) => existsSync(path))

/**
 * Chromium obeys the last list alone, so most of these are the ones that playwright-core disables for a reason of tests. With
 * the two WebUI ones each window starts a renderer for a menu that no test opens: two seconds of the processor. With
 * RenderDocument each page gets a frame of its own in the renderer, a tenth of the processor time of a page.
 */
const disabled = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'RenderDocument',
  'ThirdPartyStoragePartitioning',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxPopup',
]

const args = [
  `--disable-features=${disabled.join(',')}`,
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Fewer processes: a start of one costs half a second of the processor.
  '--process-per-site',
  '--renderer-process-limit=1',
  '--in-process-gpu',
]

/** Of a window whose test names no other size. */
const DESK = { width: 1280, height: 720 }

/** Why there is no browser; undefined where there is one. */
export const noBrowser =
  executablePath === undefined ? 'needs Chromium (apt-get install chromium-headless-shell)' : undefined

export interface Window {
  readonly page: Page
  readonly context: BrowserContext
  /** What a page must not have: violations of its policy, errors of scripts and of the console, requests that failed. */
  readonly complaints: string[]
}

/**
 * Call in a `describe`: one browser for the suite. Skips where there is none. Tests share a window for each set of options,
 * its size and its colours aside: a new window starts a process, which takes a second. It has no cookies of an earlier test.
 * `alone`: a window of its own, for a test that changes its clock or permissions.
 */
export function browsers(): (options?: BrowserContextOptions, how?: { readonly alone: boolean }) => Promise<Window> {
  let browser: Browser | undefined
  const shared = new Map<string, Window>()
  const own: Window[] = []
  before(async function () {
    if (noBrowser !== undefined) {
      console.log(`      skipped: ${noBrowser}`)
      this.skip()
    }
    this.timeout(120_000)
    const { chromium } = await import('playwright-core')
    browser = await chromium.launch({ executablePath: executablePath!, args })
  })
  afterEach(async () => {
    for (const { context } of own.splice(0)) await context.close()
    for (const { page, context } of shared.values()) {
      await page.goto('about:blank')
      await context.clearCookies()
    }
  })
  after(() => browser?.close())
  return async ({ viewport, colorScheme = 'light', ...options } = {}, { alone } = { alone: false }) => {
    const key = JSON.stringify(options)
    let window = alone ? undefined : shared.get(key)
    if (window === undefined) {
      window = await openWindow(browser!, options)
      if (alone) own.push(window)
      else shared.set(key, window)
    }
    window.complaints.splice(0)
    await window.page.setViewportSize(viewport ?? DESK)
    await window.page.emulateMedia({ colorScheme })
    return window
  }
}

async function openWindow(browser: Browser, options: BrowserContextOptions): Promise<Window> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`)
  })
  return { page, context, complaints }
}
