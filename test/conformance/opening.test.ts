import t from 'tap'
import { OPENING } from '../../lib/conformance/opening'
import { findsOut, WholeStore } from '../support/broken-stores'

findsOut(t, OPENING, {
  'a store with records can be opened twice and closed twice, and its sessions stay': class extends WholeStore {
    override async close (): Promise<void> { this.memory.clear() }
  },
  'an openable store can be opened twice and closed twice, and its sessions stay': class extends WholeStore {
    #isOpen = false
    override async open (): Promise<void> {
      if (this.#isOpen) this.memory.clear()
      this.#isOpen = true
    }
  }
})
