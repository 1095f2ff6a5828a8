/** Where it is said what became of a session. Lines hold no ids and no data; a session is named by its handle. */
export interface SessionLog {
  debug (message: string): void
  debug (details: { session: string }, message: string): void
  warn (details: { err?: unknown, session: string }, message: string): void
}
