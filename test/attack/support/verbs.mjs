// The verbs of the store, by whichever names it has. Can go when all stores have the newer ones.

/** Makes a session under a given id. Returns whether the store acknowledged it; false: the id is taken. */
export async function create (store, sesid, text) {
  if (typeof store.create === 'function') return (await store.create(store.nameOf(sesid), { text })).result === 'created'
  try {
    await store.createSession(text, { sesid })
    return true
  } catch (error) {
    if (error.code === 'SESSION_ID_TAKEN') return false
    throw error
  }
}
