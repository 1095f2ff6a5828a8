import t from 'tap'
import { printable, printableLines } from '../lib/printable'

t.test('what a terminal would obey is written out, all else stays', async t => {
  t.equal(printable('plain: grüße, 漢字, 🙂, \\ " \''), 'plain: grüße, 漢字, 🙂, \\ " \'')
  t.equal(printable('\u001b]0;title\u0007\r\n\t\0'), '\\u001b]0;title\\u0007\\u000d\\u000a\\u0009\\u0000')
  t.equal(printable('\u007f\u009b31m'), '\\u007f\\u009b31m')
  for (const code of [0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069]) {
    t.equal(printable(`a${String.fromCharCode(code)}b`), `a\\u${code.toString(16).padStart(4, '0')}b`)
  }
  t.equal(printable('\u202d\u2065'), '\\u202d\u2065')
})

t.test('lines and tabs of a text stay', async t => {
  t.equal(printableLines('one\n\ttwo\r\u001b[2J'), 'one\n\ttwo\\u000d\\u001b[2J')
})

t.test('JSON stays the same JSON', async t => {
  const data = { name: '\u001b[31m \u202e \u009b \u007f \n', 'key\u2066': 1 }
  t.strictSame(JSON.parse(printable(JSON.stringify(data))), data)
})
