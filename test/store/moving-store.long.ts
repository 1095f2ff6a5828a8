import { join } from 'node:path'
import t from 'tap'
import { MovingSessionStore } from '../../index'
import { FileStore } from '../../lib/store/files/file-store'
import { fileConformance } from '../support/file-conformance'

const directory = t.testdir()

t.test('it keeps what its stores declare', async t => {
  fileConformance(t, directory, (place, setup, clock) => {
    const [from, to] = ['old', 'new'].map(name => new FileStore({ sessionDir: join(place, name), ...setup }, undefined, clock)) as [FileStore, FileStore]
    return new MovingSessionStore({ from, to }, clock)
  })
})
