/** What is said to a command that does not exist. The word itself may be a URL with a token in it: it is not repeated. */

import type { Hook } from '@oclif/core'
import { KissError } from '../errors.js'
import { nearest } from './nearest.js'

const hook: Hook.CommandNotFound = async ({ id, config }) => {
  if (id.includes('://')) {
    throw new KissError('usage', 'a URL is no command', { hint: 'write kiss fetch URL' })
  }
  const word = id.replaceAll(':', ' ')
  const parent = config.commandIDs.find((command) => id.startsWith(`${command}:`))?.replaceAll(':', ' ')
  if (parent !== undefined) throw new KissError('usage', `kiss ${parent} takes no such argument`)
  const guess = nearest(
    word,
    config.commandIDs.map((command) => command.replaceAll(':', ' ')),
  )
  const shown = /^[\w -]{1,40}$/.test(word) ? ` ${word}` : ''
  throw new KissError('usage', `there is no command${shown}`, {
    hint: guess === undefined ? 'kiss --help lists them' : `did you mean kiss ${guess}?`,
  })
}
export default hook
