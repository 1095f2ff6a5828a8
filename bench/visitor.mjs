/** A visitor who sends one request after the other and looks at the answers. */
import { Agent, request } from 'node:http'

const agent = new Agent({ keepAlive: true })

/** Answers { status, body, cookie }; `cookie` is `name=value` if the answer set one. */
export function visit (port, path, cookie) {
  return new Promise((resolve, reject) => {
    const headers = cookie === undefined ? {} : { cookie }
    request({ host: '127.0.0.1', port, path, headers, agent }, response => {
      const chunks = []
      response.on('data', chunk => { chunks.push(chunk) })
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        let body = text
        try {
          body = JSON.parse(text)
        } catch {
          // An error page; its status says enough.
        }
        resolve({ status: response.statusCode, body, cookie: response.headers['set-cookie']?.[0]?.split(';')[0] })
      })
    }).on('error', reject).end()
  })
}
