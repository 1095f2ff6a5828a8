import t from 'tap'
import { LISTING } from '../../lib/conformance/listing'
import type { ReapCounts, SessionInfo } from '../../lib/store/store-abilities'
import { findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, LISTING, {
  'sessions() lists every live session once, without its id': class extends WholeStore {
    override async * sessions (): AsyncGenerator<SessionInfo, void> {
      for await (const info of super.sessions()) yield { ...info, name: 'a name' } as never
    }
  },
  'sessions() reads as it is asked, and can be left at any time': class extends WholeStore {
    override async * sessions (): AsyncGenerator<SessionInfo, void> {
      let isDone = false
      try {
        yield * super.sessions()
        isDone = true
      } finally {
        // eslint-disable-next-line no-unsafe-finally -- this is what is broken
        if (!isDone) throw new Error('not at the end')
      }
    }
  },
  'sessions() leaves out sessions of another appid': class extends WholeStore {
    override async * sessions (): AsyncGenerator<SessionInfo, void> {
      for (const { text } of this.memory.values()) yield { age: 0, idle: 0, idleLeft: 1, size: text.length }
    }
  },
  'clear() removes every session of its appid for good, and returns how many': class extends WholeStore {
    override async clear (): Promise<number> {
      const { size } = this.memory
      this.memory.clear()
      return size
    }
  },
  'sessions() leaves out what has expired, and clear() removes it': class extends WholeStore {
    override async clear (): Promise<number> {
      let count = 0
      for (const [name] of this.memory) if (await this.read(name) !== null && this.memory.delete(name)) count++
      return count
    }
  },
  'sessions() says how old a session is, how long unused, and what is left': class extends WholeStore {
    override async * sessions (): AsyncGenerator<SessionInfo, void> {
      for await (const info of super.sessions()) yield { ...info, age: info.idle }
    }
  },
  'texts() returns the text of every live session of its appid': class extends WholeStore {
    override async * texts (): AsyncGenerator<string, void> { for (const { text } of this.memory.values()) yield text }
  },
  'texts() leaves out what has expired': class extends WholeStore {
    override async * texts (): AsyncGenerator<string, void> { for (const { text } of this.memory.values()) yield text }
  },
  'reap() removes no live session': class extends WholeStore {
    override async reap (): Promise<ReapCounts> {
      this.memory.clear()
      return { seen: 0, expired: 0, orphans: 0, setAside: 0, failed: 0 }
    }
  },
  'reap() ends early when its signal is aborted': class extends WholeStore {
    override async reap (signal?: AbortSignal): Promise<ReapCounts> {
      signal?.throwIfAborted()
      return await super.reap()
    }
  },
  'reap() removes what has expired, once, and says how many': class extends WholeStore {
    override async reap (): Promise<ReapCounts> { return { seen: 1, expired: 1, orphans: 0, setAside: 0, failed: 0 } }
  }
})
