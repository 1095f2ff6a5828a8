import t from 'tap'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../lib/cli/duration'

const HOUR = 3600
const DAY = 24 * HOUR

t.test('durations', async t => {
  t.strictSame(['90s', '30m', '2h', '7d', '1.5h'].map(parseDuration), [90, 1800, 7200, 7 * DAY, 5400])
  for (const wrong of ['', '2', 'h', '0s', '-1h', '2 h', '2w', '2h30m']) {
    t.throws(() => parseDuration(wrong), { message: /such as 90s, 30m, 2h or 7d/ }, wrong)
  }
  const seconds = [0, 0.9, 59, 60, 61, HOUR, HOUR + 1, 2 * HOUR + 600, DAY - 1, 3 * DAY + 4 * HOUR + 5]
  t.strictSame(seconds.map(seconds => formatDuration(seconds * 1000)),
    ['0s', '0s', '59s', '1m', '1m 1s', '1h', '1h', '2h 10m', '23h 59m', '3d 4h'])
})

t.test('sizes', async t => {
  t.strictSame(['1', '65536', '64k', '2M'].map(parseSize), [1, 65536, 65536, 2 * 1024 ** 2])
  for (const wrong of ['', '0', 'k', '1g', '1.5m', '-1']) t.throws(() => parseSize(wrong), { message: /such as 65536, 64k or 1m/ }, wrong)
  t.strictSame([0, 1023, 1536, 3 * 1024 ** 2, 5 * 1024 ** 4, 1024 ** 5].map(formatSize), ['0 B', '1023 B', '1.5 KiB', '3.0 MiB', '5.0 TiB', '1024.0 TiB'])
})
