import fc from './fast-check'

/** All code points but the surrogates, which are no characters by themselves. */
const CHARACTERS = 0x110000 - 0x800

/**
 * Any character. The units `binary` and `grapheme` of fast-check give the same, but first make a table of
 * all of Unicode, in each process, which takes longer than most tests.
 */
const character = fc.nat(CHARACTERS - 1).map(number => String.fromCodePoint(number < 0xd800 ? number : number + 0x800))

/** A text of any characters. */
export function anyText (limits: { minLength?: number, maxLength?: number } = {}): fc.Arbitrary<string> {
  return fc.string({ ...limits, unit: character })
}
