import type { Test } from 'tap'

/**
 * Stops the clock that is never set until the test ends. What was seen a moment ago stays so, and no
 * call counts as slow, however long the machine takes. Returns a function that lets it go on before.
 */
export function stopTime (t: Test): () => void {
  const now = performance.now()
  const { restore } = t.intercept(performance, 'now', { value: () => now })
  return restore
}
