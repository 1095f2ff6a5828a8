export function median (values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** { median, min, max } */
export function spread (values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/** The ratio of two series that were measured in turn: round by round, so that slow drifts cancel out. */
export function ratio (values, others) {
  return spread(values.map((value, round) => value / others[round]))
}
