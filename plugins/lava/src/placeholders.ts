/** Placeholders in a job that another tool fills in: a text with one of them is not yet a URL. */

import { isMap, isScalar, type Node } from 'yaml'

const placeholder = new RegExp(
  [
    '\\{\\{.*?(?:\\}\\}|$)', // Jinja, and many others
    '\\{%.*?(?:%\\}|$)',
    '\\$\\{[^}]*\\}?', // the shell
    '\\$\\([^)]*\\)?',
    '\\$[A-Za-z_][A-Za-z0-9_]*',
    '\\{[^{}]*\\}', // LAVA, from the device's static_info
    '@[A-Za-z0-9_-]+@', // autoconf, meson
    '<[^<>]+>', // people
    '\\[\\[.*?(?:\\]\\]|$)',
    '%\\([^)]*\\)[a-z]?', // Python
    // Windows; `%C3%A9` is percent-encoding.
    '%(?![0-9A-Fa-f]{2}[A-Za-z0-9_]*%[0-9A-Fa-f]{2})[A-Za-z_][A-Za-z0-9_]*%',
    '__[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*__',
  ].join('|'),
  's',
)

/** The first placeholder of a text. */
export function placeholderIn(text: string): string | undefined {
  return placeholder.exec(text)?.[0]
}

/** `{{ name }}` without quotes, which YAML takes for a mapping whose key is a mapping. */
export function bareTemplate(node: Node | undefined): string | undefined {
  const outer = onlyKey(node)
  const inner = onlyKey(outer)
  return isScalar(inner) ? `{{ ${String(inner.value)} }}` : undefined
}

/** The key of a `{key}` without a value. */
function onlyKey(node: unknown): unknown {
  if (!isMap(node) || node.flow !== true || node.items.length !== 1) return undefined
  const [pair] = node.items
  return pair?.value === null ? pair.key : undefined
}
