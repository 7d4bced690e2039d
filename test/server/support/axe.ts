/** What axe-core and the layout say of a page. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** The rows of a table have one template: those behind these are not looked at. */
const ROWS = 30

export interface Rules {
  readonly only?: readonly string[]
  readonly without?: readonly string[]
}

/** Violations that axe-core finds: rule and element. */
export async function violations(page: Page, { only, without = [] }: Rules = {}): Promise<string[]> {
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(await readFile(axe, 'utf8'))
  const rules = Object.fromEntries(without.map((rule) => [rule, { enabled: false }]))
  // The text of a violation needs no selector, and no rule here reads style sheets or media.
  const cheap = { resultTypes: ['violations'], selectors: false, preload: false }
  const options = JSON.stringify({ ...cheap, rules, ...(only && { runOnly: only }) })
  const context = JSON.stringify({ exclude: [[`tbody tr:nth-child(n + ${ROWS + 1})`]] })
  return page.evaluate(`axe.run(${context}, ${options}).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ' ' + html.slice(0, 120))))`)
}

/** Pixels by which the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}
