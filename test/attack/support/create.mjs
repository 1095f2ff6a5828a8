/** Makes a session under a given id. Returns whether the store acknowledged it; false: the id is taken. */
export async function create (store, sesid, text) {
  return (await store.create(store.nameOf(sesid), { text })).result === 'created'
}
