import t from 'tap'
import { departed, departure, looksMarked, newMoveToken, reservation, reservedBy } from '../../lib/store/moving-marks'

const TOKEN = newMoveToken()

t.test('each move has a token of its own', async t => {
  t.match(TOKEN, /^[0-9a-f]{32}$/)
  t.not(newMoveToken(), TOKEN)
})

t.test('a reservation tells its move, a departure the text as well', async t => {
  t.equal(reservedBy(reservation(TOKEN)), TOKEN)
  for (const text of ['', '{}', 'of\nseveral\nlines', '\n', reservation(TOKEN)]) t.strictSame(departed(departure(TOKEN, text)), { token: TOKEN, text })
})

t.test('neither is taken for the other, nor another text for one of them', async t => {
  t.equal(departed(reservation(TOKEN)), null)
  t.equal(reservedBy(departure(TOKEN, 'text')), null)
  const mark = reservation(TOKEN)
  for (const text of ['', '{}', mark.slice(1), mark.slice(0, -1), `${mark} `, `${mark}\n`, ` ${mark}`, reservation('x'.repeat(32))]) t.equal(reservedBy(text), null, text)
  const left = departure(TOKEN, 'text')
  for (const text of ['{}', ` ${left}`, left.slice(1), departure('short', 'text'), `${mark}\n${left}`]) t.equal(departed(text), null)
})

t.test('a text that begins as a mark does is told, whole or not', async t => {
  for (const text of [reservation(TOKEN), departure(TOKEN, 'text'), reservation('')]) t.ok(looksMarked(text))
  for (const text of ['', '{}', ` ${reservation(TOKEN)}`]) t.notOk(looksMarked(text))
})
