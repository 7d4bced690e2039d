/** The message for an unknown command. It does not repeat the word, which may be a URL with a token. */

import type { Hook } from '@oclif/core'
import { KissError } from '../errors.js'
import { nearest } from './nearest.js'

/** Words of other tools, and the commands of kiss that do the same. */
const foreign: Readonly<Record<string, string>> = {
  get: 'fetch',
  download: 'fetch',
  pull: 'fetch',
  ls: 'list',
  rm: 'purge',
  remove: 'purge',
  delete: 'purge',
  clear: 'purge',
  clean: 'purge',
  status: 'stats',
  info: 'stats',
  start: 'serve',
  server: 'serve',
}

const hook: Hook.CommandNotFound = async ({ id, config }) => {
  const commands = config.commandIDs.map((command) => command.replaceAll(':', ' '))
  const [typed, isUrl] = wordsOf(id)
  const parent = commands.find(
    (command) => typed.join(' ').startsWith(`${command} `) || (isUrl && typed.join(' ') === command),
  )
  if (parent !== undefined) throw new KissError('usage', `kiss ${parent} takes no such argument`)
  const guess = guessOf(typed, commands)
  if (guess !== undefined) {
    const word = typed.slice(0, guess.split(' ').length).join(' ')
    const shown = /^[\w -]{1,40}$/.test(word) ? ` ${word}` : ''
    throw new KissError('usage', `there is no command${shown}`, { hint: `did you mean kiss ${guess}?` })
  }
  if (isUrl && typed.length === 0) throw new KissError('usage', 'a URL is no command', { hint: 'write kiss fetch URL' })
  const shown = /^[\w -]{1,40}$/.test(typed[0] ?? '') ? ` ${typed[0]}` : ''
  throw new KissError('usage', `there is no command${shown}`, { hint: 'kiss --help lists them' })
}

/** oclif joins words by colons, and a URL has colons of its own: the words before the first one, and whether there is one. */
function wordsOf(id: string): readonly [readonly string[], boolean] {
  const [before = '', url] = id.split('://', 2)
  const words = before.split(':')
  return url === undefined ? [words, false] : [words.slice(0, -1), true]
}

/** The command for a word of another tool, else the command that is nearest to the first words. Arguments may follow them. */
function guessOf(words: readonly string[], commands: readonly string[]): string | undefined {
  const [first = ''] = words
  if (Object.hasOwn(foreign, first)) return foreign[first]
  for (let count = Math.min(words.length, 2); count > 0; count--) {
    const guess = nearest(
      words.slice(0, count).join(' '),
      commands.filter((command) => command.split(' ').length === count),
    )
    if (guess !== undefined) return guess
  }
  return undefined
}
export default hook
