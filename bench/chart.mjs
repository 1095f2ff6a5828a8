/** A bar chart as SVG, readable on a light and on a dark page: it has no background of its own. */
const WIDTH = 860
const LABELS = 330
const FIGURES = 70
const BAR = 18
const GAP = 8
const TITLE = 34
/** A bar of more than so many times the shortest is cut off: the others could not be told apart beside it. */
const MOST_SHOWN = 8

/** What a request costs each contender: the shorter the bar, the better. `panels`: [{ title, bars: [{ label, median, min, max, isOurs, isCeiling }] }] */
export function chart (panels) {
  const bars = panels.flatMap(({ bars }) => bars)
  const longest = Math.min(Math.max(...bars.map(({ max }) => max)), MOST_SHOWN * Math.min(...bars.map(({ median }) => median)))
  const lengthOf = value => Math.min(value, longest) * (WIDTH - LABELS - FIGURES) / longest
  const parts = []
  let y = 0
  for (const { title, bars } of panels) {
    parts.push(`<text class="title" x="0" y="${y + 20}">${escaped(title)}</text>`)
    y += TITLE
    for (const bar of bars) {
      parts.push(drawBar(bar, y, lengthOf))
      y += BAR + GAP
    }
    y += GAP
  }
  parts.push(`<text class="note" x="0" y="${y + 10}">Processor time of the server per request, µs, median: less is better. The line goes from the least round to the most. Long bars are cut off.</text>`)
  const height = y + 20
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Processor time per request">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.note { font-size: 12px; fill: #57606a }
.ours { font-weight: 600 }
rect { fill: #8c959f }
rect.ours { fill: #0969da }
rect.ceiling { fill: none; stroke: #8c959f; stroke-dasharray: 4 3 }
path { stroke: #24292f; stroke-width: 1; fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #9198a1 }
  rect { fill: #6e7681 }
  rect.ours { fill: #4493f8 }
  path { stroke: #e6edf3 }
}
</style>
${parts.join('\n')}
</svg>
`
}

function drawBar ({ label, median, min, max, isOurs, isCeiling }, y, lengthOf) {
  const kind = isOurs ? 'ours' : isCeiling ? 'ceiling' : 'other'
  const middle = y + BAR / 2
  const [from, to] = [min, max].map(value => (LABELS + lengthOf(value)).toFixed(1))
  return [
    `<text class="${kind}" x="${LABELS - 10}" y="${middle + 5}" text-anchor="end">${escaped(label)}</text>`,
    `<rect class="${kind}" x="${LABELS}" y="${y}" width="${lengthOf(median).toFixed(1)}" height="${BAR}"/>`,
    `<path d="M${from} ${middle}H${to}M${from} ${middle - 3}v6M${to} ${middle - 3}v6"/>`,
    `<text x="${Number(to) + 8}" y="${middle + 5}">${Math.round(median).toLocaleString('en-US')}</text>`
  ].join('\n')
}

function escaped (text) {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
