import { TO_APPEND } from '../../lib/store/files/private-file'
import type { Local, ModelDisk, Program } from './process'
import { PATH, writer } from './scenario'

interface HolderLocal extends Local {
  /** Where the writer goes on. */
  writer: ReturnType<typeof writer>['start']
  held: number | null
}

/**
 * A writer that keeps the descriptor it appends by for the next time, and looks at the file through
 * it, as `HeldFile` does: that never waits, so its calls could not be told apart here. This one keeps
 * it for any time, and trusts it as long as the file has a name.
 */
export function holder (name: string, updates: string): Program<HolderLocal> {
  const { start, step } = writer(name, updates)
  return {
    name,
    start: { turn: 0, ended: false, acknowledged: '', writer: start, held: null },
    async step (disk, local) {
      const holding = new HoldingDisk(disk, local.held)
      const next = await step(holding.disk, local.writer)
      if (next.ended || holding.rewrote) await holding.release()
      return { turn: next.turn, ended: next.ended, acknowledged: next.acknowledged, writer: next, held: holding.held }
    }
  }
}

class HoldingDisk {
  /** The rewriting of a file goes by its path. */
  rewrote = false
  readonly disk: ModelDisk

  constructor (readonly real: ModelDisk, public held: number | null) {
    this.disk = {
      ...real,
      open: async (path, flags, mode) => {
        if (path !== PATH) return await real.open(path, flags, mode)
        if (flags === TO_APPEND && this.held !== null) return this.held
        await this.release()
        const fd = await real.open(path, flags, mode)
        if (flags === TO_APPEND) this.held = fd
        return fd
      },
      close: async fd => {
        if (fd !== this.held) await real.close(fd)
      },
      lstat: async path => {
        if (path === PATH && this.held !== null && !this.rewrote) {
          const status = await real.fstat(this.held)
          if (status.nlink > 0) return status
          await this.release()
        }
        return await real.lstat(path)
      },
      mkdir: async (path, mode) => {
        this.rewrote = true
        await real.mkdir(path, mode)
      }
    }
  }

  async release (): Promise<void> {
    if (this.held !== null) await this.real.close(this.held)
    this.held = null
  }
}
