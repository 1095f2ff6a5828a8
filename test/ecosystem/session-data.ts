// #region data
declare module '../../index' {
  interface SessionData {
    userName: string
    oauthState: string
    counter: number
  }
}
// #endregion

export {}
