import assert from 'node:assert/strict'
import { shortened, tableLines } from '#kiss/cli/table.js'

describe('tables', () => {
  const layout = [
    { title: 'SIZE', align: 'right' as const, cell: ([size]: readonly string[]) => size ?? '' },
    { title: 'URL', cell: ([, url]: readonly string[]) => url ?? '' },
  ]

  it('aligns columns and leaves the last one whole where there is no terminal', () => {
    const url = `http://h/${'x'.repeat(200)}`
    assert.deepEqual(tableLines(layout, [['1 MiB', url]]), [' SIZE  URL', `1 MiB  ${url}`])
  })

  it('fits a terminal by the middle of the last column', () => {
    const lines = tableLines(layout, [['1 MiB', `http://h/${'x'.repeat(200)}/Image.gz`]], 60)
    assert.equal(lines[1]?.length, 60)
    assert.match(lines[1], /^1 MiB {2}http:\/\/h\/x+…x+\/Image\.gz$/)
  })

  it('has no limit of rows', () => {
    const rows = Array.from({ length: 200_000 }, (_, n) => [String(n), ''])
    assert.equal(tableLines(layout, rows).at(-1), '199999')
  })

  it('leaves alone what fits', () => {
    assert.equal(shortened('abc', 3), 'abc')
    assert.equal(shortened('abcdef', 5), 'a…def')
  })
})
