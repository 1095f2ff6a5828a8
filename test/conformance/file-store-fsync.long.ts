import t from 'tap'
import { FileStore } from '../../lib/store/files/file-store'
import { fileConformance } from '../support/file-conformance'

const directory = t.testdir()

t.test('the file store keeps what it declares, with durability fsync', async t => {
  const { leftOut } = fileConformance(t, directory, (sessionDir, setup, clock) => new FileStore({ sessionDir, durability: 'fsync', ...setup }, undefined, clock))
  t.match(leftOut, [/an openable/, /readSession/, /readSession/, /touchSession/, /readSession/], 'what is for stores without records is left out')
})
