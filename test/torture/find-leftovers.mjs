// Compares sessions and indexes when no process goes on any more, after a sweep.
import { setTimeout as wait } from 'node:timers/promises'
import { decodeList } from '../../dist/lib/store/index-entry.js'
import { isForwarding } from '../../dist/lib/store/forwarding.js'
import { isSealed } from '../../dist/lib/store/sealed-text.js'
import { bodyOf, headerOf } from '../../dist/lib/store/session-header.js'
import { sessionHandle } from '../../dist/lib/store/session-id.js'
import { registerIndex, SessionIndex } from '../../dist/lib/store/session-index.js'
import { clock, LIMIT, whoOf } from './find-rules.mjs'
import { openManager } from './place.mjs'

/** Milliseconds: then an entry without a session is stale. */
const LATER = 3600_000
/** Milliseconds for a server to come back. */
const PAUSE = 500
const ATTEMPTS = 60

/** `final`: notes for the judge about the sessions that are left. `ids`: those that are known; encrypted sessions of others cannot be read. */
export async function leftInStore (kind, settings, ids, secrets) {
  const { store, close } = await patiently(() => openManager(kind, settings, 0, secrets === undefined ? {} : { encryption: { secrets } }))
  const sesids = new Map([...ids].map(sesid => [sessionHandle(store.nameOf(sesid)), sesid]))
  const companion = store.companion()
  store.companion = () => companion
  const index = new SessionIndex(store, () => Date.now() + LATER)
  registerIndex(store, index)
  const { failed, error } = await patiently(() => index.sweep())
  if (failed > 0) throw error
  const from = clock()
  const sessions = new Map()
  for await (const { name, text } of store.exportSessions()) {
    if (!isForwarding(text)) sessions.set(sessionHandle(name), { ...headerOf(text), ...dataIn(text, sesids.get(sessionHandle(name)), store) })
  }
  const lists = new Map()
  for await (const { text } of companion.records.exportSessions()) {
    const { label, entries } = decodeList(text)
    lists.set(label, entries)
  }
  await close()
  return {
    sessions: sessions.size,
    lists: lists.size,
    'lost from the index': [...sessions].filter(([handle, session]) => !isInLists(handle, session, index, lists)).length,
    'entries left over': [...lists].reduce((count, [label, entries]) => count + entries.filter(({ handle, login }) => sessions.get(handle)?.indexed?.[label] !== login).length, 0),
    'lists beyond the limit': [...lists].filter(([label, entries]) => label.startsWith('user:') && new Set(entries.map(({ login }) => login)).size > LIMIT).length,
    final: [...sessions].filter(([, { who }]) => who !== undefined).map(([handle, data]) => {
      const { stint, ...who } = whoOf(data)
      return { seen: stint, ...who, handle, from, to: clock() }
    })
  }
}

function dataIn (text, sesid, store) {
  if (!isSealed(bodyOf(text))) return JSON.parse(bodyOf(text))
  return sesid === undefined ? {} : JSON.parse(store.cipher.open(sesid, text))
}

/** Whether the session has the labels of its data, each under one of the secrets, and their lists name it. */
function isInLists (handle, { indexed = {}, ...data }, index, lists) {
  const who = whoOf(data)
  const labels = Object.keys(indexed)
  const isRight = name => labels.filter(label => index.labels.of(name, who[name]).includes(label)).length === 1
  return labels.length === 2 && (who === undefined || ['user', 'team'].every(isRight)) &&
    labels.every(label => lists.get(label)?.some(entry => entry.handle === handle && entry.login === indexed[label] && !entry.isEnded))
}

async function patiently (step) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step()
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
      await wait(PAUSE)
    }
  }
}
