import type { Test } from 'tap'
import { FileStore } from '../../lib/store/files/file-store'
import { decodeList, newLogin } from '../../lib/store/index-entry'
import { listName } from '../../lib/store/index-labels'
import { headFor } from '../../lib/store/session-header'
import { SessionIndex } from '../../lib/store/session-index'
import { sessionDirectory } from './session-files'

/** A store whose index has a clock of its own. */
export async function indexedStore (t: Test) {
  const store = new FileStore({ sessionDir: sessionDirectory(t) })
  await store.open()
  const time = { now: Date.now() }
  const index = new SessionIndex(store, () => time.now, async () => {})
  const [label] = index.labels.of('user', 42)
  /** Makes a session that the index finds, as the plugin does. */
  const login = async (sesid: string): Promise<string> => {
    const name = store.nameOf(sesid)
    const tag = newLogin(time.now)
    await index.entering.enter(name, [{ label, login: tag }], undefined, undefined)
    await store.create(name, { text: `${headFor({ indexed: { [label]: tag } })}{}` })
    t.ok(await index.entering.confirm(name, [{ label, login: tag }], time.now))
    return name
  }
  const entries = async (): Promise<number> => {
    const list = await store.companion().records.read(listName(label))
    return list === null ? 0 : decodeList(list.text).entries.length
  }
  t.teardown(() => store.close())
  return { store, index, label, time, login, entries }
}
