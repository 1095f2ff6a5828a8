/** The adapters for express-session, from their own entry point or, before there is one, from the package's. */
const connect = await import('fastify-file-sessions/connect').catch(() => import('fastify-file-sessions'))
export const { connectStore, fromConnectStore } = connect
