import assert from 'node:assert/strict'
import { isScalar, type Node } from 'yaml'
import { parseJob } from '#lava/parse.js'
import { stringOf, truthOf, type View } from '#lava/pyyaml.js'

function viewOf(text: string): View {
  return parseJob('job.yaml', text).documents[0]!
}

function value(text: string): Node {
  const view = viewOf(`a: ${text}\n`)
  return view.get(view.root, 'a')!
}

/** What PyYAML 6 says of each, `bool(yaml.safe_load('a: …')['a'])`. */
describe("PyYAML's truth", () => {
  for (const text of [
    'false',
    'False',
    'FALSE',
    'no',
    'No',
    'NO',
    'off',
    'Off',
    'OFF',
    '~',
    'null',
    'Null',
    'NULL',
    '',
  ])
    it(`takes ${text === '' ? 'nothing' : text} as false`, () => assert.equal(truthOf(value(text)), false))
  for (const text of ['0', '-0', '+0', '00', '0_0', '0x0', '0b0', '0.0', '-0.', '.0', '0.0e+5', "''", '""', '[]', '{}'])
    it(`takes ${text} as false`, () => assert.equal(truthOf(value(text)), false))
  for (const text of ['!!bool "no"', '!!int "0"', '!!null x', '!!str ""', '! no', '! ""'])
    it(`takes ${text} as false`, () => assert.equal(truthOf(value(text)), false))
  for (const text of [
    'true',
    'yes',
    'on',
    'n',
    'y',
    'nO',
    '1',
    '0x1',
    '0.1',
    '"no"',
    "'false'",
    '!!str no',
    '[0]',
    '{a: b}',
  ])
    it(`takes ${text} as true`, () => assert.equal(truthOf(value(text)), true))
})

describe("PyYAML's strings", () => {
  for (const text of ['tftp', '"42"', "'no'", '!!str 42', '! x', 'n', '1.2.3', 'http://x/y', '0o7', '1e5'])
    it(`takes ${text} as a string`, () => assert.equal(typeof stringOf(value(text)), 'string'))
  for (const text of [
    '42',
    '4_2',
    '1:30',
    '1.5',
    '.inf',
    'yes',
    'off',
    '~',
    '2026-01-31',
    '2026-01-31 12:00:00Z',
    '[a]',
    '!x y',
  ])
    it(`takes ${text} as something else`, () => assert.equal(stringOf(value(text)), undefined))
})

function plain(view: View, node: Node | undefined): unknown {
  const at = view.resolve(node)
  if (isScalar(at)) return at.value
  const entries = view.entries(at)
  if (entries.length > 0) return Object.fromEntries(entries.map(({ name, value: v }) => [name, plain(view, v)]))
  return view.items(at).map((item) => plain(view, item))
}

describe("PyYAML's mappings", () => {
  const cases: [string, unknown][] = [
    ['{a: 1, a: 2}', { a: '2' }],
    ['{a: 1, "a": 2}', { a: '2' }],
    ['{<<: {a: 1, b: 1}, a: 2}', { a: '2', b: '1' }],
    ['{a: 2, <<: {a: 1, b: 1}}', { a: '2', b: '1' }],
    ['{<<: [{a: 1}, {a: 2, b: 2}]}', { a: '1', b: '2' }],
    ['{<<: {a: 1}, <<: {a: 2}}', { a: '2' }],
    ['{"<<": {a: 1}}', { '<<': { a: '1' } }],
    ['{<<: {<<: {a: 1}, b: 2}}', { a: '1', b: '2' }],
  ]
  for (const [text, expected] of cases)
    it(`reads ${text}`, () => {
      const view = viewOf(text)
      assert.deepEqual(plain(view, view.root), expected)
    })

  it('lets an alias stand for the nearest anchor before it', () => {
    const view = viewOf('a: &x 1\nb: *x\nc: &x 2\nd: *x\n')
    assert.deepEqual(plain(view, view.root), { a: '1', b: '1', c: '2', d: '2' })
  })

  it('counts in how many places a scalar stands', () => {
    const view = viewOf('a: &m {x: &s 1}\nb: *m\nc: [*m, *s]\nd: {<<: *m, x: 2}\n')
    const scalar = view.resolve(view.get(view.get(view.root, 'a'), 'x'))!
    assert.equal(view.occurrences().get(scalar), 4)
  })

  it('survives a mapping that holds or merges itself', () => {
    for (const text of ['a: &m {b: *m, c: 1}', 'a: &m {<<: *m, c: 1}', '&m [*m]']) {
      const view = viewOf(text)
      assert.doesNotThrow(() => view.occurrences(), text)
    }
  })
})
