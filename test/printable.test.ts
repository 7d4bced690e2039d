import assert from 'node:assert/strict'
import { printable, printableLines } from '#kiss/printable.js'

describe('received text', () => {
  const text = 'a\tb\r\nc\u001b[2J\u009b\u2028\u202eé…\ud800'
  const escaped = (lineFeed: string): string => `a\\tb\\r${lineFeed}c\\u001b[2J\\u009b\\u2028\\u202eé…\\ud800`

  it('has escapes in place of control characters', () => {
    assert.equal(printable(text), escaped('\\n'))
  })

  it('keeps its line feeds if it has several lines', () => {
    assert.equal(printableLines(text), escaped('\n'))
  })
})
