/** Line charts as SVG, one panel for each thing that grows: logarithmic to the right, linear from 0 upwards. Pure. */

export interface Panel {
  readonly title: string
  /** What grows. */
  readonly x: string
  /** Values to the right, all above 0, and how each is written. */
  readonly at: readonly { readonly value: number; readonly label: string }[]
  readonly lines: readonly { readonly name: string; readonly values: readonly number[] }[]
}

const [WIDTH, HEIGHT, LEFT, TOP, GAP] = [300, 170, 60, 40, 70]
const COLOURS = ['#2563a8', '#b3261e', '#4d7c0f']

export function plotGrowth(panels: readonly Panel[]): string {
  const [across, down] = [2, Math.ceil(panels.length / 2)]
  const width = across * (LEFT + WIDTH) + GAP
  const height = down * (TOP + HEIGHT + GAP)
  const drawn = panels.map((panel, n) => {
    const x = LEFT + (n % across) * (WIDTH + LEFT + 20)
    const y = TOP + Math.floor(n / across) * (TOP + HEIGHT + GAP)
    return `<g transform="translate(${x} ${y})">\n${panelOf(panel)}\n</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${drawn.join('\n')}
</svg>
`
}

function panelOf({ title, x, at, lines }: Panel): string {
  const [low, high] = [Math.log(at[0]?.value ?? 1), Math.log(at.at(-1)?.value ?? 10)]
  const top = Math.max(...lines.flatMap(({ values }) => values.filter(Number.isFinite)), 1e-9)
  const right = (value: number): string => (((Math.log(value) - low) / (high - low || 1)) * WIDTH).toFixed(1)
  const up = (value: number): string => (HEIGHT * (1 - value / top)).toFixed(1)
  const ticks = at.map(
    ({ value, label }) =>
      `<text x="${right(value)}" y="${HEIGHT + 16}" text-anchor="middle">${label}</text><line x1="${right(value)}" x2="${right(value)}" y1="${HEIGHT}" y2="${HEIGHT + 4}" stroke="#444"/>`,
  )
  const drawn = lines.map(({ name, values }, n) => {
    const points = values.map((value, i) => `${right(at[i]!.value)},${up(value)}`).join(' ')
    const colour = COLOURS[n % COLOURS.length]
    return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>
<text x="8" y="${14 + n * 15}" fill="${colour}">${name}</text>`
  })
  return `<text x="0" y="-16" font-weight="bold">${title}</text>
<line x1="0" x2="0" y1="0" y2="${HEIGHT}" stroke="#444"/><line x1="0" x2="${WIDTH}" y1="${HEIGHT}" y2="${HEIGHT}" stroke="#444"/>
<text x="-6" y="4" text-anchor="end">${Number(top.toPrecision(2))}</text><text x="-6" y="${HEIGHT}" text-anchor="end">0</text>
${ticks.join('\n')}
<text x="${WIDTH / 2}" y="${HEIGHT + 34}" text-anchor="middle">${x}</text>
${drawn.join('\n')}`
}
