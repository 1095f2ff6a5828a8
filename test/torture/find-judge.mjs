// Compares what the processes were told about the sessions of users with what they saw afterwards. All
// times are of one clock, in milliseconds. A stint is the time in which a session has one user and one
// team: a save that changes either begins another, and none comes back. A chain is one login with all that
// becomes of it by `regenerate` and by switches of the user.
//
//   { answered, chain, user, team, at }            a save that began the stint was answered at that time
//   { seen, chain, user, team, handle, from, to }  a session was loaded in that stint, between these times
//   { revokedAll, value, from, to, except }        of an index; `except` is the chain that was to stay
//   { gone, to }                                   a handle that was revoked, destroyed, or moved away from
//   { found, index, value, from, to }              the chains that sessionsOf returned; null for a session without `about`
//   { failed, from, to }                           a chain whose save failed: meanwhile it may have been another stint's,
//                                                  and afterwards it may be what it was before

export function judgeFinding (notes, limit) {
  const stints = stintsOf(notes)
  const seen = notes.filter(note => note.seen !== undefined)
  const failed = notes.filter(note => note.failed !== undefined)
  return {
    revocations: notes.filter(note => note.revokedAll !== undefined).length,
    missed: notes.filter(note => note.revokedAll !== undefined).reduce((count, call) => count + missedBy(call, stints), 0),
    resurrected: resurrected(notes, seen),
    'limits exceeded': Math.max(0, ...[...Map.groupBy(stints, ({ user }) => user).values()].map(own => atOnce(own) - limit)),
    'missing in a listing': notes.filter(note => note.found !== undefined).reduce((count, call) => count + missingIn(call, stints, failed), 0),
    'listed without about': notes.reduce((count, { found = [] }) => count + found.filter(chain => chain === null).length, 0)
  }
}

/** `known`: when a process was first answered about it, by its own save or another's load. `last`: when it was last alive. */
function stintsOf (notes) {
  const stints = new Map()
  for (const note of notes) {
    const name = note.answered ?? note.seen
    if (name === undefined) continue
    const { chain, user, team } = note
    const stint = stints.get(name) ?? { chain, user, team, answered: Infinity, known: Infinity, last: -Infinity }
    stints.set(name, stint)
    if (note.answered !== undefined) stint.answered = Math.min(stint.answered, note.at)
    stint.known = Math.min(stint.known, note.at ?? note.to)
    stint.last = Math.max(stint.last, note.from ?? -Infinity)
  }
  return [...stints.values()]
}

function missedBy ({ revokedAll, value, from, to, except }, stints) {
  return stints.filter(stint => stint[revokedAll] === value && stint.chain !== except && stint.known < from && stint.last > to).length
}

function resurrected (notes, seen) {
  const gone = new Map()
  for (const note of notes) if (note.gone !== undefined) gone.set(note.gone, Math.min(gone.get(note.gone) ?? Infinity, note.to))
  return seen.filter(({ handle, from }) => from > (gone.get(handle) ?? Infinity)).length
}

/** Returns how many chains were alive at once at most, answered as they were. */
function atOnce (stints) {
  let most = 0
  for (const { answered } of stints) {
    const alive = stints.filter(other => other.answered <= answered && other.last > answered)
    most = Math.max(most, new Set(alive.map(({ chain }) => chain)).size)
  }
  return most
}

function missingIn ({ found, index, value, from, to }, stints, failed) {
  const mayBeAnother = ({ chain }) => failed.some(save => save.failed === chain && save.from < to && save.to > from)
  return stints.filter(stint => stint[index] === value && stint.known < from && stint.last > to && !found.includes(stint.chain) && !mayBeAnother(stint)).length
}
