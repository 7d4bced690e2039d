import assert from 'node:assert/strict'
import { refMoves } from '#gitlab/moving.js'
import { globToRegExp, projectMatcher } from '#kiss/provider/kit.js'

describe('projects that a token is lent to', () => {
  const rows: [patterns: string[], project: string, lent: boolean][] = [
    [[], 'lab/kernel', false],
    [['lab/kernel'], 'lab/kernel', true],
    [['lab/kernel'], 'Lab/Kernel', true],
    [['lab/kernel'], 'lab/kernel2', false],
    [['lab/kernel'], 'evil/lab/kernel', false],
    [['lab/kernel'], 'lab/kernel/fork', false],
    [['lab/kernel'], '42', false],
    [['lab/*'], 'lab/kernel', true],
    [['lab/*'], 'lab/sub/kernel', false],
    [['lab/*'], 'lab2/kernel', false],
    [['lab/**'], 'lab/sub/kernel', true],
    [['lab/ker.el'], 'lab/kernel', false],
    [['42'], '42', true],
    [['42'], '421', false],
    [['lab/*'], '42', false],
    [['*'], 'any/where/at/all', true],
    [['*'], '42', true],
    [['**'], 'any/where', true],
  ]
  for (const [patterns, project, lent] of rows) {
    it(`[${patterns.join(', ')}] ${lent ? 'has' : 'does not have'} ${project}`, () => {
      assert.equal(projectMatcher(patterns)(project), lent)
    })
  }
})

describe('refs that move', () => {
  const stay = [
    'v6.6',
    'v6.6-rc1',
    'v2026.01',
    '6.6.1',
    '1.2.3-beta.2',
    'V1.0',
    'refs/tags/main',
    'a'.repeat(40),
    'F'.repeat(64),
  ]
  const move = [
    '',
    'main',
    'latest',
    'feature/x',
    'linux-6.6.y',
    'v6.6.y',
    '6.6',
    'v6',
    'v1.0-stable',
    'next-20260101',
    'abc1234',
    'refs/heads/v1.0',
    'refs/merge-requests/1/head',
    'a'.repeat(41),
  ]
  for (const ref of stay) it(`do not include ${ref}`, () => assert.equal(refMoves(ref, []), false))
  for (const ref of move)
    it(`include ${ref === '' ? 'the default branch' : ref}`, () => assert.equal(refMoves(ref, []), true))

  it('do not include what is set as tags', () => {
    const tags = ['next-*', 'release/*'].map(globToRegExp)
    assert.deepEqual(
      ['next-20260101', 'release/7', 'release/7/x', 'main'].map((ref) => refMoves(ref, tags)),
      [false, false, true, true],
    )
  })
})
