/** The YAML configuration file: read, checked against the table, each value with the line it stands on. */

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Document, Node, YAMLMap } from 'yaml'
import { KissError, systemCode } from '../../errors.js'
import { nearest } from '../nearest.js'
import { parseConfigured, type Value } from './parse.js'
import { environmentName, settingNames, settingOf, type SettingName } from './table.js'

export interface FileValue {
  readonly value: Value
  readonly line: number
}

export interface Section {
  /** Plain data, as parsed. */
  readonly value: unknown
  readonly line: number
}

/** What a configuration file says. */
export interface SettingsFile {
  readonly file: string
  readonly values: ReadonlyMap<SettingName, FileValue>
  /** Every key that is not a setting: those of plugins. {@link refuseUnknownSections} says which may be there. */
  readonly sections: ReadonlyMap<string, Section>
}

/** Sections of kiss itself; the others belong to plugins. */
const ownSections = ['mirrors']

/**
 * @param required somebody named this file, so it has to be there
 * @throws KissError `configuration`, naming file, line and column
 */
export async function readSettingsFile(file: string, required: boolean): Promise<SettingsFile | undefined> {
  let text
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const code = systemCode(error)
    if (!required && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
    throw new KissError('configuration', `cannot read the configuration file ${file}: ${code ?? String(error)}`, {
      cause: error,
    })
  }
  return parseConfiguredsFile(file, text)
}

/** The same for text that is at hand. */
export async function parseConfiguredsFile(file: string, text: string): Promise<SettingsFile> {
  const { LineCounter, isMap, isScalar, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const fail = (position: number, message: string, cause?: unknown): never => {
    const { line, col } = lines.linePos(position)
    throw new KissError('configuration', `${file}:${line}:${col}: ${message}`, { cause })
  }
  const [fault] = [...document.errors, ...document.warnings]
  // Some of the parser's messages end in the text itself, which may be a token.
  if (fault !== undefined) fail(fault.pos[0], fault.message.replace(/: ".*$/s, ''), fault)

  const values = new Map<SettingName, FileValue>()
  const sections = new Map<string, Section>()
  const contents = document.contents as Node | null
  if (contents === null) return { file, values, sections }
  if (!isMap(contents)) return fail(positionOf(contents), 'expected settings, one a line, such as quota: 100GiB')
  for (const { key, value } of (contents as YAMLMap<Node, Node | null>).items) {
    const position = positionOf(key)
    const name = isScalar(key) && typeof key.value === 'string' ? key.value : fail(position, 'a key has to be a word')
    const { line } = lines.linePos(position)
    if (!isSettingName(name)) {
      sections.set(name, { value: value === null ? null : plain(document, value, fail), line })
      continue
    }
    const setting = settingOf(name)
    if (setting.only?.startsWith('flag') === true) {
      const elsewhere = setting.only === 'flag' ? '' : ` or ${environmentName(name)}`
      fail(position, `${name} cannot stand in the file: use --${name}${elsewhere}`)
    }
    const texts = textsOf(value, setting.many === true)
    if (texts === undefined) {
      fail(position, `${name}: expected ${setting.many === true ? 'a value or a list of values' : 'one value'}`)
    } else if (texts.length > 0) {
      const { line, col } = lines.linePos(value === null ? position : positionOf(value))
      const what = `${file}:${line}:${col}: ${name}`
      values.set(name, { value: parseConfigured(setting, texts, what, { base: path.dirname(file) }), line })
    }
  }
  return { file, values, sections }
}

/** @param known the sections that loaded plugins have */
export function refuseUnknownSections({ file, sections }: SettingsFile, known: readonly string[]): void {
  const allowed = [...ownSections, ...known]
  for (const [name, { line }] of sections) {
    if (allowed.includes(name)) continue
    const names = [...settingNames.filter((name) => settingOf(name).only?.startsWith('flag') !== true), ...allowed]
    const guess = nearest(name, names)
    throw new KissError('configuration', `${file}:${line}: there is no setting ${JSON.stringify(name)}`, {
      ...(guess === undefined ? {} : { hint: `did you mean ${guess}?` }),
    })
  }
}

/** The texts of a scalar or of a list of scalars, as written; empty for an empty value; undefined for anything else. */
function textsOf(node: Node | null, many: boolean): string[] | undefined {
  if (node === null) return []
  if ('items' in node) {
    if (!many) return undefined
    const texts = (node.items as (Node | null)[]).map((item) => textsOf(item, false))
    return texts.includes(undefined) ? undefined : texts.flatMap((text) => text ?? [])
  }
  if (!('value' in node)) return undefined
  const { value, source } = node
  if (value === null) return []
  return [typeof value === 'string' ? value : (source ?? JSON.stringify(value))]
}

function plain(
  document: Document,
  node: Node,
  fail: (position: number, message: string, cause: unknown) => never,
): unknown {
  try {
    return node.toJS(document)
  } catch (error) {
    return fail(positionOf(node), 'its aliases cannot be resolved', error)
  }
}

function positionOf(node: Node): number {
  return node.range?.[0] ?? 0
}

function isSettingName(name: string): name is SettingName {
  return (settingNames as readonly string[]).includes(name)
}
