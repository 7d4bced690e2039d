/** A real browser for the tests: Debian's Chromium, driven by playwright-core. */

import { existsSync } from 'node:fs'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'

const executablePath = '/usr/bin/chromium'

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Why there is no browser; undefined where there is one. */
export const noBrowser = existsSync(executablePath) ? undefined : `needs ${executablePath} (apt-get install chromium)`

export interface Window {
  readonly page: Page
  readonly context: BrowserContext
  /** What a page must not have: violations of its policy, errors of scripts and of the console, requests that failed. */
  readonly complaints: string[]
}

/** Call in a `describe`: one browser for the suite, whose windows are closed after each test. Skips where there is none. */
export function browsers(): (options?: BrowserContextOptions) => Promise<Window> {
  let browser: Browser | undefined
  const contexts: BrowserContext[] = []
  before(async function () {
    if (noBrowser !== undefined) {
      console.log(`      skipped: ${noBrowser}`)
      this.skip()
    }
    this.timeout(120_000)
    const { chromium } = await import('playwright-core')
    browser = await chromium.launch({ executablePath, args })
  })
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close()
  })
  after(() => browser?.close())
  return async (options = {}) => {
    const context = await browser!.newContext(options)
    contexts.push(context)
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
}
