/** A bar chart as SVG: the expansion ratio of each server, and the line that the trace allows. Pure. */

export interface Bar {
  readonly name: string
  readonly value: number
}

const [LEFT, WIDTH, STEP, TOP] = [130, 480, 30, 40]

export function plot(title: string, bars: readonly Bar[], ideal: number): string {
  const scale = WIDTH / (ideal * 1.05)
  const height = TOP + bars.length * STEP + 30
  const x = LEFT + ideal * scale
  const rows = bars.map(({ name, value }, n) => {
    const y = TOP + n * STEP
    return `  <text x="${LEFT - 8}" y="${y + 16}" text-anchor="end">${escaped(name)}</text>
  <rect x="${LEFT}" y="${y}" width="${(value * scale).toFixed(1)}" height="22" fill="${name.includes('kiss') ? '#2563a8' : '#9aa5b1'}"/>
  <text x="${LEFT + 6}" y="${y + 16}" fill="#fff">${value.toFixed(1)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 30} ${height}" font-family="sans-serif" font-size="13">
  <rect width="100%" height="100%" fill="#fff"/>
  <text x="${LEFT}" y="20" font-weight="bold">${escaped(title)}</text>
${rows.join('\n')}
  <line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${TOP - 8}" y2="${height - 24}" stroke="#b3261e" stroke-dasharray="4 3"/>
  <text x="${x.toFixed(1)}" y="${height - 8}" text-anchor="end" fill="#b3261e">the trace allows ${ideal.toFixed(1)}</text>
</svg>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
