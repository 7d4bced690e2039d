/** A unified diff of two texts whose lines correspond one to one. Pure. */

/** Lines around a change, as diff and git show them. */
const context = 3

/** What `patch` takes; empty where nothing changed. Neither text may have more lines than the other. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return ''
  const old = before.split('\n')
  const changed = after.split('\n')
  const hunks = hunksOf(old.map((line, index) => (line === changed[index] ? -1 : index)).filter((index) => index >= 0))
  const last = old.length - 1
  const body = hunks.flatMap(([first, end]) => {
    // What follows the last line end is no line unless there is something.
    const stop = Math.min(end, old[last] === '' ? last : old.length)
    const start = Math.max(first, 0)
    const size = stop - start
    const line = (mark: string, text: string | undefined, index: number): string =>
      `${mark}${text ?? ''}${index === last ? '\n\\ No newline at end of file' : ''}`
    const lines: string[] = []
    for (let index = start; index < stop;) {
      let run = index
      while (run < stop && old[run] !== changed[run]) run++
      for (let i = index; i < run; i++) lines.push(line('-', old[i], i))
      for (let i = index; i < run; i++) lines.push(line('+', changed[i], i))
      if (run === index) lines.push(line(' ', old[run++], index))
      index = run
    }
    return [`@@ -${start + 1},${size} +${start + 1},${size} @@`, ...lines]
  })
  return [`--- ${name}`, `+++ ${name}`, ...body, ''].join('\n')
}

/** Changed lines whose context touches share a hunk: `[first, end)`, before clipping. */
function hunksOf(lines: readonly number[]): [number, number][] {
  const hunks: [number, number][] = []
  for (const line of lines) {
    const open = hunks.at(-1)
    if (open !== undefined && line - context <= open[1]) open[1] = line + context + 1
    else hunks.push([line - context, line + context + 1])
  }
  return hunks
}
