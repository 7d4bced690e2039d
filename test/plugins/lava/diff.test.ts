import assert from 'node:assert/strict'
import { unifiedDiff } from '#lava/diff.js'

const lines = (count: number, changed: readonly number[], end = '\n'): string =>
  Array.from({ length: count }, (_, i) => `${changed.includes(i + 1) ? 'new' : 'old'} ${i + 1}`).join('\n') + end

describe('a unified diff', () => {
  it('is empty where nothing changed', () => assert.equal(unifiedDiff('a', 'x\n', 'x\n'), ''))

  it('shows three lines around each change', () => {
    assert.equal(
      unifiedDiff('job.yaml', lines(20, []), lines(20, [10])),
      `--- job.yaml
+++ job.yaml
@@ -7,7 +7,7 @@
 old 7
 old 8
 old 9
-old 10
+new 10
 old 11
 old 12
 old 13
`,
    )
  })

  it('joins hunks whose lines touch, and clips them to the file', () => {
    const heads = (changed: number[], count = 20): string[] =>
      unifiedDiff('a', lines(count, []), lines(count, changed)).match(/^@@.*$/gm) ?? []
    assert.deepEqual(heads([1]), ['@@ -1,4 +1,4 @@'])
    assert.deepEqual(heads([20]), ['@@ -17,4 +17,4 @@'])
    assert.deepEqual(heads([5, 11]), ['@@ -2,13 +2,13 @@'])
    assert.deepEqual(heads([5, 12]), ['@@ -2,14 +2,14 @@'])
    assert.deepEqual(heads([5, 13]), ['@@ -2,7 +2,7 @@', '@@ -10,7 +10,7 @@'])
  })

  it('puts the old lines of a run before the new ones', () => {
    assert.match(unifiedDiff('a', lines(3, []), lines(3, [1, 2])), /\n-old 1\n-old 2\n\+new 1\n\+new 2\n old 3\n$/)
  })

  it('keeps carriage returns and says where the last line has no end', () => {
    assert.equal(
      unifiedDiff('a', 'x\r\ny', 'x\r\nz'),
      '--- a\n+++ a\n@@ -1,2 +1,2 @@\n x\r\n-y\n\\ No newline at end of file\n+z\n\\ No newline at end of file\n',
    )
  })
})
