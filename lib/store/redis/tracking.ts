/** The command that makes the server tell a connection, by its id, of all changes. */
export function tracking (id: unknown, prefix: string): string[] {
  return ['CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', 'PREFIX', prefix]
}
