/** Ids that are drawn to estimate how hard they are to guess: fewer do not show every character that good ids are made of. */
export const SAMPLES = 64
/** A character that takes so few values in the samples has no more of them. */
const FEW = 4
/** Ids below so many bits stop the start: an attacker who tries a thousand a second finds one of 2^64 in no lifetime. */
export const LEAST_ID_BITS = 64
/** With encryption a session's key is as good as its id. */
export const LEAST_KEY_BITS = 128
/** Characters: with 6 random bits each an id has the bits that a key needs. */
export const SHORTEST_KEY_ID = Math.ceil(LEAST_KEY_BITS / 6)

/** Different characters that an id has at least which a generator of this strength makes. */
const FEWEST = 6
/** How many characters the usual alphabets of ids have. */
const ALPHABETS = [10, 16, 26, 32, 36, 52, 62, 64]
/** How often an id may lack kinds of characters that its generator uses, and be taken for a weak one: so rarely that no app meets it. */
const CHANCE = 1e-6

/** The kinds of characters that ids are made of, each with how many there are. */
const KINDS: ReadonlyArray<[RegExp, number]> = [
  [/[0-9]/, 10], [/[a-f]/, 6], [/[g-z]/, 20], [/[A-F]/, 6], [/[G-Z]/, 20]
]

/**
 * Draws a few ids and estimates how many random bits each has. Returns 0 when two of them are equal.
 *
 * It sees how an id is written, not how it is made: characters that are the same in all ids count
 * nothing, so ids of a clock or a counter have few bits. Ids that only look random pass.
 */
export async function idBits (newId: () => Promise<string>): Promise<number> {
  const ids: string[] = []
  while (ids.length < SAMPLES) ids.push(await newId())
  return estimatedBits(ids)
}

/** Returns the estimate for these ids, which one generator made. */
export function estimatedBits (ids: readonly string[]): number {
  if (new Set(ids).size < ids.length) return 0
  const columns: Array<Set<string>> = []
  const shortest = Math.min(...ids.map(({ length }) => length))
  for (let at = 0; at < shortest; at++) columns.push(new Set(ids.map(id => id.charAt(at))))
  const varied = columns.filter(({ size }) => size > FEW)
  const bits = Math.log2(alphabetSize(new Set(varied.flatMap(column => [...column]))))
  let sum = 0
  for (const { size } of columns) sum += size > FEW ? bits : Math.log2(size)
  return Math.floor(sum)
}

/**
 * Whether a key may be made of this id, judging by its length and its characters. It is for ids that a
 * foreign generator makes one at a time: {@link idBits} judges a generator better.
 *
 * An id may lack digits by chance, for example. So the largest usual alphabet counts of which an id has
 * this few kinds of characters more often than once in a million times.
 */
export function isKeyId (sesid: string): boolean {
  const characters = new Set(sesid)
  if (characters.size < FEWEST) return false
  const size = alphabetSize(characters)
  const likely = ALPHABETS.filter(alphabet => (size / alphabet) ** sesid.length > CHANCE)
  return sesid.length * Math.log2(Math.max(size, ...likely)) >= LEAST_KEY_BITS
}

/** Returns how many characters the ids may be made of, judging by those that are in them. */
function alphabetSize (characters: ReadonlySet<string>): number {
  const others = new Set(characters)
  let size = 0
  for (const [kind, count] of KINDS) {
    const found = [...others].filter(character => kind.test(character))
    if (found.length > 0) size += count
    for (const character of found) others.delete(character)
  }
  return size + others.size
}
