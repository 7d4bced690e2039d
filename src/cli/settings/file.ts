/** The YAML configuration file: read, checked against the table, each value with its line. */

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Node, YAMLError } from 'yaml'
import { KissError, systemCode } from '../../errors.js'
import { nearest } from '../nearest.js'
import { parseConfigured, type Value } from './parse.js'
import { environmentName, settingNames, settingOf, type SettingName } from './table.js'
import { positionOf, Source } from './yaml-source.js'

export interface FileValue {
  readonly value: Value
  /** As it is written; several of a list. */
  readonly texts: readonly string[]
  readonly line: number
}

export interface Section {
  /** Plain data, as parsed. */
  readonly value: unknown
  readonly line: number
  /** The line of the value below these keys and indices; the line of the section if there is none. */
  readonly lineOf: (path: readonly (string | number)[]) => number
}

/** The content of a configuration file. */
export interface SettingsFile {
  readonly file: string
  readonly values: ReadonlyMap<SettingName, FileValue>
  /** Every key that is not a setting: the sections of plugins. {@link refuseUnknownSections} checks them. */
  readonly sections: ReadonlyMap<string, Section>
}

/** Sections of kiss itself; the others belong to plugins. */
export const ownSections: readonly string[] = ['mirrors', 'parents', 'rules']

/**
 * @param required the user named this file, so it has to exist
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
      ...(required ? {} : { hint: 'name a cache directory with --cache-dir to continue without it' }),
    })
  }
  return parseSettingsFile(file, text)
}

/** Some messages of the parser repeat the text, which may be a token. */
function withoutText({ code, message }: YAMLError): string {
  return code === 'TAG_RESOLVE_FAILED' ? 'a tag (!) cannot be used here' : message.replace(/(?:: ["|>]| %).*$/s, '')
}

/** The same for a text. */
export async function parseSettingsFile(file: string, text: string): Promise<SettingsFile> {
  const yaml = await import('yaml')
  const lines = new yaml.LineCounter()
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const source = new Source(file, yaml, document, lines)
  const [fault] = [...document.errors, ...document.warnings]
  if (fault !== undefined) source.fail(fault.pos[0], withoutText(fault))

  const values = new Map<SettingName, FileValue>()
  const sections = new Map<string, Section>()
  for (const { name, position, value } of source.pairs()) {
    const { line } = lines.linePos(position)
    if (!isSettingName(name)) {
      const lineOf = (below: readonly (string | number)[]): number => source.lineAt([name, ...below]) ?? line
      sections.set(name, { value: source.plain(value), line, lineOf })
      continue
    }
    const read = readValue(source, name, position, value)
    if (read !== undefined) values.set(name, { ...read, line })
  }
  return { file, values, sections }
}

function readValue(
  source: Source,
  name: SettingName,
  position: number,
  value: Node | null,
): Omit<FileValue, 'line'> | undefined {
  const setting = settingOf(name)
  if (setting.only?.startsWith('flag') === true) {
    const elsewhere = setting.only === 'flag' ? '' : ` or ${environmentName(name)}`
    source.fail(position, `${name} cannot be set in the file: use --${name}${elsewhere}`)
  }
  if (value === null) return undefined
  const texts = source.texts(value, setting.many === true)
  if (texts === undefined) {
    const expected = setting.many === true ? 'a value or a list of values' : 'one value'
    return source.fail(positionOf(value), `${name}: expected ${expected}`)
  }
  if (texts.length === 0) return undefined
  const what = `${source.place(positionOf(value))}: ${name}`
  return { value: parseConfigured(setting, texts, what, { base: path.dirname(source.file) }), texts }
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

function isSettingName(name: string): name is SettingName {
  return (settingNames as readonly string[]).includes(name)
}
