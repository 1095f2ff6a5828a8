import { SessionFileStore } from '../../../lib/store/files/session-file-store'
import type { Creation, Removal, Replacement, SessionRecord } from '../../../lib/store/session-record'

/** A store that is wrong in the way that the environment says. */
class WrongStore extends SessionFileStore {
  override async replace (name: string, record: SessionRecord, version: string): Promise<Replacement> {
    const replacement = await super.replace(name, record, process.env['TORTURED_BY'] === 'lost compares' ? (await this.read(name))?.version ?? version : version)
    if (process.env['TORTURED_BY'] !== 'repetition' || replacement.result !== 'replaced') return replacement
    const counts = Object.entries(JSON.parse(record.text) as Record<string, number>).map(([worker, count]) => [worker, count + 1])
    await super.replace(name, { text: JSON.stringify(Object.fromEntries(counts)) }, replacement.version)
    return replacement
  }

  override async remove (name: string, version?: string): Promise<Removal> {
    if (process.env['TORTURED_BY'] === 'revival') return 'removed'
    return await super.remove(name, version)
  }

  override async create (name: string, record: SessionRecord): Promise<Creation> {
    return process.env['TORTURED_BY'] === 'oblivion' ? { result: 'created', version: '1' } : await super.create(name, record)
  }

  override async open (): Promise<void> {
    if (process.env['TORTURED_BY'] === 'trouble' && process.env['TORTURED_FROM'] !== String(process.pid)) throw new Error('the server is down')
    await super.open()
  }
}

export function makeStore (): WrongStore {
  return new WrongStore({ sessionDir: process.env['TORTURED_DIRECTORY'] })
}
