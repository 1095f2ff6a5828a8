/** Compares what a worker was told with what is there. What it was not sure of may be stored or not. */
export function judgeWorker (name, notes, { sessions, ended, figures, refused }) {
  const told = new Map([...sessions.keys()].map(key => [key, { updates: 0, saves: 0, unsure: { updates: 0, saves: 0 } }]))
  for (const { key, update, save, unsure, of, gone, fault, by, message, refused: reason } of notes) {
    if (fault !== undefined) complain(figures, fault, message, by)
    if (reason !== undefined) refused(reason)
    if (gone !== undefined && !ended.has(gone)) figures.unreadable++
    const count = told.get(key)
    if (count === undefined) continue
    if (unsure !== undefined) count.unsure[of] = unsure
    if (update !== undefined) Object.assign(count, { updates: update, unsure: { ...count.unsure, updates: 0 } })
    if (save !== undefined) Object.assign(count, { saves: save, unsure: { ...count.unsure, saves: 0 } })
  }
  for (const [key, { updates, saves, unsure }] of told) {
    const session = sessions.get(key)
    figures.acknowledged += updates + saves
    if (session === null) {
      figures.unreadable++
      continue
    }
    compare(figures, updates, session.updates[name] ?? 0, unsure.updates)
    // A save that is repeated stores the same number.
    compare(figures, saves, session[`save-${name}`] ?? 0, Math.min(unsure.saves, 1))
  }
}

function compare (figures, acknowledged, found, unsure) {
  figures.found += Math.min(found, acknowledged)
  figures.lost += Math.max(acknowledged - found, 0)
  figures.doubled += Math.max(found - acknowledged - unsure, 0)
}

function complain (figures, fault, message, by = 1) {
  if (message !== undefined) console.error(message)
  figures[fault === 'error' ? 'errors' : fault] += by
  // The numbers that a worker was told begin anew where what it was told before is lost.
  if (fault === 'lost') figures.acknowledged += by
}
