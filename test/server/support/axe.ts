/** What axe-core and the layout say of a page. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/**
 * Rows with the elements, classes and attributes of an earlier row of their table: no rule reads what is left, which are
 * words and numbers. A row where an element has no text is another one.
 */
const repeated = `(() => {
  const shapeOf = (element) =>
    [element.tagName, element.getAttribute('class'), ...element.getAttributeNames(), element.textContent.trim() === '']
  return [...document.querySelectorAll('tbody')].flatMap((body) => {
    const shapes = new Set()
    return [...body.rows].filter((row) => {
      const shape = JSON.stringify([row, ...row.querySelectorAll('*')].map(shapeOf))
      return shapes.size === shapes.add(shape).size
    })
  })
})()`

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
  return page.evaluate(`axe.run({ exclude: ${repeated} }, ${options}).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ' ' + html.slice(0, 120))))`)
}

/** Pixels by which the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}
