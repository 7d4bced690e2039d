import assert from 'node:assert/strict'
import { KissError } from 'kiss-cache/plugin'
import { parseJob } from '#lava/parse.js'
import { rewrite } from '#lava/rewrite.js'

describe('parsing a job', () => {
  it('names file, line and column of what is not YAML', () => {
    for (const [text, where] of [
      ['actions:\n- deploy:\n    to: tftp\n   kernel: x\n', 'job.yaml:4:1: '],
      ['actions: [1, 2\n', 'job.yaml:2:1: '],
      ['a: 1\r\nb: {c: 1}}\r\n', 'job.yaml:2:10: '],
      ['a: 1\n---\nb: "x\n', 'job.yaml:4:1: '],
      ['a: b\n\tc: d\n', 'job.yaml:2:1: '],
      ['a: &a 1\nb: [*a, *c]\n', 'job.yaml:2:9: '],
      [`${'['.repeat(600)}${']'.repeat(600)}`, 'job.yaml:1:'],
      ['['.repeat(50_000), 'job.yaml:1:501: not YAML: nested too deeply'],
      [`a: ${'{b: '.repeat(50_000)}`, 'job.yaml:1:2004: not YAML: nested too deeply'],
      [`name: x\n${'- '.repeat(50_000)}x`, 'job.yaml:2:1001: not YAML: nested too deeply'],
      [
        Array.from({ length: 6 }, (_, i) => `${'  '.repeat(400 * i)}${'- '.repeat(400)}\n`).join(''),
        'job.yaml:2:1001: not YAML: nested too deeply',
      ],
      [`${'? '.repeat(50_000)}x`, 'job.yaml:1:1001: not YAML: nested too deeply'],
      [
        `a0: &a0 x\n${Array.from({ length: 5000 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]\n`).join('')}`,
        'job.yaml:5',
      ],
      ['{% if x %}\na: b\n{% endif %}\n', 'job.yaml:1:'],
      ['a: 1\nb: \0\n', 'job.yaml:2:4: '],
      ['a: 1 # \x1b[0m\n', 'job.yaml:1:8: '],
      ['a: "\x7f"\n', 'job.yaml:1:5: '],
      ['a:\n- b: c\n  d:\n http://x/y\n  e: f\n', 'job.yaml:3:5: '],
      ['a:\n- b\nc\n- d\n', 'job.yaml:3:1: '],
      ['a:\n- b: c\n# a dash is missing\n d: e\n', 'job.yaml:3:1: '],
      ['a:\n  b\nc\n: d\n', 'job.yaml:3:1: '],
      ['- deploy: {\n    to: usb\n', 'job.yaml:3:1: '],
      ['- deploy: {to: usb,\nimage: [}\n', 'job.yaml:2:1: '],
      ['a: {b: c,\n---\nd: e}\n', 'job.yaml:2:1: '],
      ['a: "b\n---\nc"\n', 'job.yaml:1:6: '],
      ['- a: {b c\nd: e}\n', 'job.yaml:2:1: '],
      ['- a: {"b"\n: e}\n', 'job.yaml:2:1: '],
      ['\ufeffa: 1\r\nb: \x80\r\n', 'job.yaml:2:4: '],
    ] as const)
      assert.throws(
        () => parseJob('job.yaml', text),
        (error) => error instanceof KissError && error.exit === 2 && error.message.startsWith(where),
        text,
      )
  })

  it('says what to do with a template', () => {
    for (const text of ['{% if x %}\na: b\n{% endif %}\n', 'a: {{ x }}/b\n'])
      assert.throws(
        () => parseJob('job.yaml', text),
        (error) => error instanceof KissError && error.hint === 'if it is a template, fill it in first',
        text,
      )
    assert.throws(
      () => parseJob('job.yaml', 'a: [}\nb: {{ x }}\n'),
      (error) => error instanceof KissError && error.hint === undefined,
    )
  })

  it('is not overwhelmed by what aliases can make of a few lines', () => {
    const levels = Array.from(
      { length: 40 },
      (_, i) => `l${i + 1}: &l${i + 1} {url: http://x/y, overlays: {a: *l${i}, b: *l${i}}}`,
    )
    const text = `l0: &l0 {url: http://x/y}\n${levels.join('\n')}\nactions:\n- deploy: {to: usb, image: *l40}\n`
    assert.throws(() => rewrite(parseJob('job.yaml', text), { server: 'http://kiss' }), /more than 100000 downloads/)
  })

  it('takes what PyYAML takes', () => {
    for (const text of [
      'a: 1\na: 2\n',
      `a: {\n${Array.from({ length: 600 }, (_, i) => `"k${i}": [\n1,\n2\n],\n`).join('')}}\n`,
      `a: {${Array.from({ length: 2000 }, (_, i) => `k${i}: [1, "[[["], `).join('')}}\n`,
      `a:\n${'- - - b\n'.repeat(2000)}`,
      'a: [b,#c\n  d]\n',
      'a: "b"#c\n',
      'x:\n  a: "b\n c\n\nd"\ny: 1\n',
      "x:\r\n- a: 'b\r\nc'\r\n",
      'a: {\n  b: c\n}\n',
      '{\n\t"a": {\n\t\t"b": 1\n\t}\n}\n',
      'a: &x 1\nb: &x 2\nc: *x\n',
      'a: !include x.yaml\n',
      '\ufeffa: 1\r\n',
      'a: 1\r- b\r'.replace('- b', 'b: 2'),
      '',
    ])
      assert.doesNotThrow(() => parseJob('job.yaml', text), JSON.stringify(text))
  })

  const flows = {
    'a brace at the margin': '- deploy: {\n    to: usb,\n    image: {url: URL}\n}\n',
    'lines at the margin': '- deploy: {to: usb,\nimage: {\nurl:\nURL\n}\n}\n',
    'lines at the margin after CRLF': '- deploy: {to: usb,\r\nimage: {url:\r\nURL}}\r\n',
    'a bracket left of its key': '- deploy:\n    os: [a,\n  b,\n c]\n    to: usb\n    image: {url: URL}\n',
    'comments between the lines': "- deploy: { # it's {\n  to: usb, # [\n# '\n  image: {url: URL # }\n}}\n",
    'quotes between the lines': `- deploy: {to: usb, "it's": 'a "}',\nos: don't, x: "\\"}", image: {url: URL}}\n`,
    'tabs in front': '- deploy: {to: usb,\n\timage: {url: URL}}\n',
    'an anchor and a tag in front': '- deploy: {to: usb,\n&a image: &b !!map {url:\nURL}}\n',
    'several of them': '- boot: {a: [\nb\n]}\n- deploy: {to: usb,\nimage: {url: URL}}\n- test: {\n}\n',
  }
  for (const [name, text] of Object.entries(flows))
    it(`reads braces and brackets at any indentation, as PyYAML does: ${name}`, () => {
      const source = `actions:\n${text}`.replace('URL', 'http://x/y')
      const { changes, text: result } = rewrite(parseJob('job.yaml', source), { server: 'http://kiss' })
      assert.deepEqual(
        changes.map(({ path, line }) => [path, source.split('\n')[line - 1]?.includes('http://x/y')]),
        [[`actions[${name === 'several of them' ? 1 : 0}].deploy.image.url`, true]],
      )
      assert.equal(result, source.replace('http://x/y', "'http://kiss/api/v1/fetch/y?url=http%3A%2F%2Fx%2Fy'"))
    })

  it('finds its place behind lines that only PyYAML understands', () => {
    const text =
      'metadata:\n  text: "goes on\n at the margin"\n  more: \'and\r\non\'\nactions:\n- deploy:\n    to: usb\n    image: {url: http://x/y}\n'
    const job = parseJob('job.yaml', text)
    const { changes, text: result } = rewrite(job, { server: 'http://kiss' })
    assert.deepEqual(
      changes.map(({ line }) => line),
      [9],
    )
    assert.equal(result, text.replace('http://x/y', "'http://kiss/api/v1/fetch/y?url=http%3A%2F%2Fx%2Fy'"))
  })
})
