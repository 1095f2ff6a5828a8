// What all processes that find and end sessions agree on.
export const LIMIT = 3
export const USERS = 6
export const TEAMS = 2
export const INDEXES = {
  indexes: { user: data => whoOf(data)?.user, team: data => whoOf(data)?.team },
  maxPerValue: { user: LIMIT },
  onLimit: 'end-oldest'
}

/** Seconds. */
export const RENEWAL = { after: 0.1, grace: 0.3 }
const OLD = 'the secret that the server had before: 8f1c60ad27'
const NEW = 'another secret, for the time from then on: 35b9e7d04c'

/**
 * Returns the secrets of a process: at first, with the old one alone or the new one listed last; when all list
 * both, with the new one last; and then with the new one last or first.
 */
export function secretsAt (stage, index) {
  const isAhead = index % 2 === 0
  if (stage === 0) return isAhead ? [OLD, NEW] : [OLD]
  return stage === 2 && isAhead ? [NEW, OLD] : [OLD, NEW]
}

/** Mistakes that the torture must find: each changes the index of a process. */
export const MUTANTS = {
  /** An entry is written after the session. */
  'late-entry' (index) {
    const { entering } = index
    const enter = entering.enter.bind(entering)
    const entered = new Map()
    entering.enter = async (name, places, idleTimeout, about) => { entered.set(name, { places, idleTimeout, about }); return true }
    entering.confirm = async (name, places) => {
      const { idleTimeout, about } = entered.get(name) ?? {}
      return await enter(name, places, idleTimeout, about)
    }
  },
  /** A renewal leaves the old session as it is. */
  'blind-renewal' (_index, store) {
    const replace = store.replace.bind(store)
    store.replace = async (name, record, version) => record.text.startsWith('$ffs>') ? { result: 'replaced', version } : await replace(name, record, version)
    store.replaceNow &&= (replaceNow => (name, record, version) => record.text.startsWith('$ffs>') ? undefined : replaceNow(name, record, version))(store.replaceNow.bind(store))
  },
  /** A session that was stored does not look for its entry. */
  'no-confirm' ({ entering }) {
    entering.confirm = async () => true
  }
}

/** What a session holds of one stint. An array: a merge takes the one or the other, and never parts of both. */
export function dataOf ({ chain, stint, user, team }) {
  return [chain, stint, user, team]
}

/** Returns the stint that the data of a session hold; `undefined` if no user logged in. */
export function whoOf ({ who }) {
  if (who === undefined) return undefined
  const [chain, stint, user, team] = who
  return { chain, stint, user, team }
}

/** One clock for all processes of the machine, in milliseconds. */
export function clock () {
  return Number(process.hrtime.bigint()) / 1e6
}
