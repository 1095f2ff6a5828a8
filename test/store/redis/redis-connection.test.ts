import t from 'tap'
import { tracking } from '../../../lib/store/redis/redis-connection'

t.test('a connection is told of all changes of keys with a prefix', async t => {
  t.strictSame(tracking(7, 'app:'), ['CLIENT', 'TRACKING', 'ON', 'REDIRECT', '7', 'BCAST', 'PREFIX', 'app:'])
})
