import assert from 'node:assert/strict'
import { Glob } from '#kiss/http/glob.js'

function matches(pattern: string, text: string): boolean {
  return new Glob(pattern.match(/\*\*\/?|[^]/g) ?? []).test(text)
}

describe('globs', () => {
  it('match the whole text, character by character', () => {
    for (const [pattern, text] of [
      ['', ''],
      ['a.b', 'a.b'],
      ['(a|b)[c]$^\\', '(a|b)[c]$^\\'],
    ] as const) {
      assert.ok(matches(pattern, text), pattern)
      assert.ok(!matches(pattern, `${text}x`), pattern)
      assert.ok(!matches(pattern, `x${text}`), pattern)
    }
    assert.ok(!matches('a.b', 'axb'))
  })

  it('stop * and ? at a slash, and ** nowhere', () => {
    const table: readonly (readonly [string, string, boolean])[] = [
      ['*', '', true],
      ['*', 'ab', true],
      ['*', 'a/b', false],
      ['a*b', 'a/b', false],
      ['a**b', 'a/x/b', true],
      ['?', '', false],
      ['?', '/', false],
      ['a?c', 'abc', true],
      ['**a*b', 'a/ab', true],
      ['*a', 'baba', true],
    ]
    for (const [pattern, text, expected] of table) assert.equal(matches(pattern, text), expected, `${pattern} ${text}`)
  })

  it('take **/ for any folders or none', () => {
    const table: readonly (readonly [string, boolean])[] = [
      ['x/y', true],
      ['x/a/y', true],
      ['x/a/b/y', true],
      ['x/ay', false],
      ['xy', false],
      ['x//y', true],
    ]
    for (const [text, expected] of table) assert.equal(matches('x/**/y', text), expected, text)
  })

  it('are done with a text in proportion to its length, however many ways there are through them', () => {
    const text = `https://o.example/${'a'.repeat(8000)}`
    for (const step of ['**a', '*a', '?**', '**/a', 'a*']) assert.ok(!matches(`${step.repeat(100)}z`, text), step)
    assert.ok(matches('**a'.repeat(100), text))
  })
})
