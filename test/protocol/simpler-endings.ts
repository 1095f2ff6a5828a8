import { constants } from 'node:fs'
import { hasCode } from '../../lib/errors'
import { unlessMissing } from '../../lib/store/files/disk'
import { encodeRecord, NO_RECORD } from '../../lib/store/files/journal'
import type { Creation, Removal, SessionRecord } from '../../lib/store/session-record'
import { ModelStore } from './model-store'
import { NOW, type ModelDisk } from './process'
import { PATH } from './scenario'

/** Rules that come to mind first, and that the explorer must be able to show wrong. */

/** Ends a session whatever it is at: a move takes no notice of what was stored since it read the session. */
export class EndsAnyVersion extends ModelStore {
  override async remove (name: string): Promise<Removal> {
    return await super.remove(name)
  }
}

/** Looks whether the session is still at the version, then unlinks its file: no tombstone. */
export class LooksThenUnlinks extends ModelStore {
  constructor (readonly model: ModelDisk, process: string) {
    super(model, process)
  }

  override async remove (name: string, version?: string): Promise<Removal> {
    if (version === undefined) return await super.remove(name)
    const stored = await this.read(name)
    if (stored === null) return 'gone'
    if (stored.version !== version) return 'conflict'
    return await unlessMissing(this.model.unlink(PATH)) === null ? 'gone' : 'removed'
  }
}

/** Makes a file under its own name, then writes the record, and looks whether that is all there is of a file that has a name. */
export class WritesInPlace extends ModelStore {
  constructor (readonly model: ModelDisk, process: string) {
    super(model, process)
  }

  override async create (name: string, { text }: SessionRecord): Promise<Creation> {
    const version = name.slice(0, 8)
    const bytes = encodeRecord({ id: version, text, idleTimeout: 0, createdAt: NOW, seal: false, ended: false, patches: 0 }, NO_RECORD)
    try {
      const fd = await this.model.open(PATH, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL)
      await this.model.write(fd, bytes)
      const { nlink, size } = await this.model.fstat(fd)
      await this.model.close(fd)
      return nlink > 0 && size === bytes.length ? { result: 'created', version } : { result: 'taken' }
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return { result: 'taken' }
      throw error
    }
  }
}

/** Frees a name by its path: looks whether the session there is over, then unlinks the file. */
export class FreesByPath extends ModelStore {
  constructor (readonly model: ModelDisk, process: string) {
    super(model, process)
  }

  override async create (name: string, record: SessionRecord): Promise<Creation> {
    if (await this.read(name) === null) await unlessMissing(this.model.unlink(PATH))
    return await super.create(name, record)
  }
}
