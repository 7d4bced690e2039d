import assert from 'node:assert/strict'
import { parseBench } from './arguments.js'
import { runBench } from './bench.js'
import { linesOf, textOf, type Row } from './table.js'
import { works } from './works.js'

const columns = [
  { name: 'kiss', peer: false },
  { name: 'nginx', peer: true },
  { name: 'Varnish', peer: true },
]
const rows: readonly Row[] = [
  { id: 'hits', what: 'hits', unit: 'requests/s', better: 'more' },
  { id: 'herd', what: 'herd', unit: 's', better: 'less' },
  { id: 'unmeasured', what: 'unmeasured', unit: '', better: 'less' },
]
const results = new Map([
  [
    'hits',
    new Map([
      ['kiss', [10, 500, 20]],
      ['nginx', [2000]],
      ['Varnish', [1000]],
    ]),
  ],
  [
    'herd',
    new Map([
      ['kiss', [4]],
      ['Varnish', [5]],
    ]),
  ],
])

describe('the benchmark', () => {
  it('shows medians, their ratio to the best peer, and a dash where nothing was measured', () => {
    assert.equal(
      textOf(linesOf(rows, columns, results), columns),
      [
        '| work             |        kiss |        nginx |      Varnish |',
        '| ---------------- | ----------: | -----------: | -----------: |',
        '| hits, requests/s | 20.0 (0.01) | 2,000 (1.00) | 1,000 (0.50) |',
        '| herd, s          | 4.00 (0.80) |            – |  5.00 (1.00) |',
      ].join('\n'),
    )
  })

  it('gives every row an id of its own, which begins with the id of its work', () => {
    const ids = works.flatMap((work) => work.rows.map(({ id }) => id))
    assert.equal(new Set(ids).size, ids.length)
    for (const work of works) for (const { id } of work.rows) assert.ok(id.startsWith(work.id), id)
  })

  it('writes the page after a run of everything alone', () => {
    assert.equal(parseBench([]).write, true)
    for (const part of [
      ['--only', 'hits'],
      ['--servers', 'kiss'],
      ['--scale', '0.1'],
      ['--rounds', '1'],
    ])
      assert.equal(parseBench(part).write, false, part.join(' '))
    assert.deepEqual(parseBench(['--only', 'hits,herd']).only, ['hits', 'herd'])
    assert.throws(() => parseBench(['--rounds', 'x']), /--rounds is not a number above 0: x/)
    assert.throws(() => parseBench(['--unknown']), TypeError)
  })

  it('measures kiss', async () => {
    const options = parseBench(['--only', 'hits.4K.1', '--servers', 'kiss', '--rounds', '1', '--seconds', '0.2'])
    const { lines, notes } = await runBench(options, () => undefined)
    assert.deepEqual(notes, [])
    assert.deepEqual(
      lines.map(({ row }) => row.id),
      ['hits.4K.1', 'hits.4K.1.p99', 'hits.4K.1.client'],
    )
    assert.ok(lines.every(({ cells }) => cells['kiss']!.median > 0))
  })
})
