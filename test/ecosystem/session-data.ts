/** What the apps of these tests keep in their sessions. */
declare module '../../index' {
  interface SessionData {
    userName: string
    oauthState: string
    counter: number
  }
}

export {}
