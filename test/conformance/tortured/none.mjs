export function makeStore () {
  throw new Error('there is not a server')
}
