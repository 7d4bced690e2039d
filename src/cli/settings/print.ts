/** Every setting with its value and its origin, as a valid configuration file. Pure. */

import { displayUrl } from '../../http/urls.js'
import type { Rule } from '../../engine/rules/rules.js'
import type { Mirror } from '../../upstream/types.js'
import { configuredPlaces } from './places.js'
import type { Origin, Settings, Source } from './resolve.js'
import { configuredRules, writtenRule } from './rules.js'
import { settingNames, settingOf, type SettingName } from './table.js'

/** Lines of YAML; unset values, and values that may hold a secret, are comments. */
export function printedSettings(settings: Settings): string[] {
  const names = settingNames.filter((name) => settingOf(name).only !== 'flag')
  const lines = names.map((name) => ({
    text: lineOf(name, settings.origins[name]),
    source: settings.origins[name].source,
  }))
  const { file } = settings
  for (const name of ['mirrors', 'parents'] as const) {
    const section = file?.sections.get(name)
    if (file === undefined || section === undefined) continue
    const source: Source = { from: 'file', file: file.file, line: section.line }
    lines.push({ text: placesLine(name, configuredPlaces(file, name)), source })
  }
  const rules = file?.sections.get('rules')
  if (file !== undefined && rules !== undefined) {
    lines.push({ text: 'rules:', source: { from: 'file', file: file.file, line: rules.line } })
    for (const [index, rule] of configuredRules(file).entries())
      lines.push({
        text: `  - ${printedRule(rule)}`,
        source: { from: 'file', file: file.file, line: rules.lineOf([index]) },
      })
  }
  const sections = [...(file?.sections ?? [])].filter(([name]) => !['mirrors', 'parents', 'rules'].includes(name))
  const width = Math.max(...lines.map(({ text }) => text.length).filter((length) => length <= 60))
  return [
    ...lines.map(({ text, source }) => `${text.padEnd(width)}  # ${describe(source)}`),
    ...sections.map(([name, { line }]) => `# ${name}: not shown, it may hold secrets (${file?.file ?? ''}:${line})`),
  ]
}

function placesLine(name: string, all: readonly Mirror[]): string {
  const shown = all.map(({ match, to }) => {
    const places = to.map((place) => JSON.stringify(displayUrl(place)))
    return `{match: ${JSON.stringify(match)}, to: [${places.join(', ')}]}`
  })
  return `${name}: [${shown.join(', ')}]`
}

function printedRule(rule: Rule): string {
  const pairs = writtenRule(rule).map(([key, value]) => {
    const texts = (Array.isArray(value) ? value : [value]).map((text: string) => scalar(text))
    return `${key}: ${Array.isArray(value) ? `[${texts.join(', ')}]` : texts.join('')}`
  })
  return `{${pairs.join(', ')}}`
}

function lineOf(name: SettingName, { texts }: Origin): string {
  const { kind, many, secret, only } = settingOf(name)
  if (texts.length === 0) return `# ${name}:`
  if (secret === true) return `# ${name}: (hidden)`
  const shown = texts
    .flatMap((text) => (many === true && kind !== 'header' ? text.split(',') : [text]))
    .map((text) => scalar(kind === 'url' ? displayUrl(text) : text.trim()))
  const line = `${name}: ${many === true ? `[${shown.join(', ')}]` : shown.join('')}`
  return only?.startsWith('flag') === true ? `# ${line}` : line
}

function describe(source: Source): string {
  switch (source.from) {
    case 'flag':
      return 'flag'
    case 'environment':
      return source.name
    case 'file':
      return `${source.file}:${source.line}`
    case 'default':
      return 'default'
  }
}

/** As plain as YAML allows. */
function scalar(text: string): string {
  return /^[\w./][\w./+-]*$/.test(text) ? text : JSON.stringify(text)
}
