/** The command line as a shell completes it: commands, their flags and the values of these. Pure. */

import { settingsTable, type Setting } from '../settings/table.js'

export interface CompletedFlag {
  /** `--quota`, `-o`, `--no-refresh`. */
  readonly spellings: readonly string[]
  readonly summary: string
  /** `none` for a switch, a list of values, or `file` for anything else, where a shell offers files. */
  readonly takes: 'none' | 'file' | readonly string[]
}

export interface CompletedCommand {
  /** `lava rewrite` */
  readonly name: string
  readonly summary: string
  readonly flags: readonly CompletedFlag[]
  /** Values of its argument, where it takes one of a few. */
  readonly values: readonly string[]
}

/** The part of oclif's command that counts here. */
export interface LoadedCommand {
  readonly id: string
  readonly summary?: string | undefined
  readonly hidden?: boolean | undefined
  readonly flags: Readonly<
    Record<
      string,
      {
        readonly name: string
        readonly type: string
        readonly char?: string | undefined
        readonly summary?: string | undefined
        readonly description?: string | undefined
        readonly hidden?: boolean | undefined
        readonly allowNo?: boolean | undefined
        readonly options?: readonly string[] | undefined
      }
    >
  >
  readonly args: Readonly<Record<string, { readonly options?: readonly string[] | undefined }>>
}

export function completedCommands(commands: readonly LoadedCommand[]): CompletedCommand[] {
  return commands
    .filter(({ hidden }) => hidden !== true)
    .map((command) => ({
      name: command.id.replaceAll(':', ' '),
      summary: plain(command.summary),
      flags: [
        ...Object.values(command.flags)
          .filter(({ hidden }) => hidden !== true)
          .map(flagOf),
        help,
      ],
      values: Object.values(command.args).flatMap(({ options }) => options ?? []),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

const help: CompletedFlag = { spellings: ['--help', '-h'], summary: 'show the help of this command', takes: 'none' }

function flagOf(flag: LoadedCommand['flags'][string]): CompletedFlag {
  const spellings = [
    `--${flag.name}`,
    ...(flag.char === undefined ? [] : [`-${flag.char}`]),
    ...(flag.allowNo === true ? [`--no-${flag.name}`] : []),
  ]
  const takes = flag.type === 'boolean' ? 'none' : (flag.options ?? optionsOf(flag.name) ?? 'file')
  return { spellings, summary: plain(flag.summary ?? flag.description), takes }
}

/** The values of a setting are checked when it is resolved, so oclif does not know them. */
function optionsOf(name: string): readonly string[] | undefined {
  const table: Readonly<Record<string, Setting | undefined>> = settingsTable
  return table[name]?.options
}

/** One line without the special characters of a shell. */
function plain(text = ''): string {
  return text
    .replace(/<%.*?%>/gs, '')
    .replace(/[^\p{L}\p{N} .,;:/()+-]/gu, ' ')
    .replace(/ +/g, ' ')
    .trim()
}

/** First words, with what they lead to: `lava` is a topic, `fetch` a command. */
export function firstWords(commands: readonly CompletedCommand[]): Map<string, CompletedCommand[]> {
  const topics = new Map<string, CompletedCommand[]>()
  for (const command of commands) {
    const [first = ''] = command.name.split(' ')
    topics.set(first, [...(topics.get(first) ?? []), command])
  }
  return topics
}

/** The description of a first word: the summary of the command, or the second words of a topic. */
export function firstSummary(word: string, commands: readonly CompletedCommand[]): string {
  const [own] = commands.filter(({ name }) => name === word)
  return own?.summary ?? commands.map(({ name }) => name.slice(word.length + 1)).join(', ')
}

export function isTopic(word: string, commands: readonly CompletedCommand[]): boolean {
  return commands.some(({ name }) => name !== word)
}
