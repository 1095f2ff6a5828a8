import { constants } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { FileView } from '../../lib/store/files/file-view'
import { fold, HEADER_SIZE, NO_RECORD } from '../../lib/store/files/journal'
import type { FileLimits } from '../../lib/store/files/seen-file'
import { SessionFile } from '../../lib/store/files/session-file'
import type { ModelDisk } from './process'
import { PATH } from './scenario'

/** A simpler rule: a reader applies every patch to the text before it in the file, also one that has lost. */
export class AppliesEveryPatch extends SessionFile {
  constructor (readonly model: ModelDisk, known: FileView | null, limits: FileLimits) {
    super(PATH, model, false, { limits, known })
  }

  override async read (): Promise<FileView | null> {
    const view = await super.read()
    if (view?.tip == null || view.tip.ended || view.tip.seal) return view
    const fd = await this.disk.open(this.path, constants.O_RDONLY)
    const bytes = Buffer.alloc(view.size)
    await this.disk.read(fd, bytes, 0)
    await this.disk.close(fd)
    const text = fold(chained(bytes)).tip?.text ?? view.tip.text
    return this.remember({ ...view, tip: { ...view.tip, text } })
  }
}

/** The records as if each named the one before it in the file. */
function chained (bytes: Buffer): Buffer {
  let previous = NO_RECORD
  for (let position = 0; position + HEADER_SIZE <= bytes.length;) {
    const end = position + HEADER_SIZE + bytes.readUInt32LE(position + 8)
    if (end > bytes.length) break
    bytes.write(previous, position + 24, 8, 'latin1')
    bytes.writeUInt32LE(crc32(bytes.subarray(position + 8, end)), position + 4)
    previous = bytes.toString('latin1', position + 16, position + 24)
    position = end
  }
  return bytes
}
