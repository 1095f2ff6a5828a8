const LARGEST_FORM = 16 * 1024

/** Lets the app read forms, and take them from its own pages only. */
export function addForms (app) {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: LARGEST_FORM },
    (_request, body, done) => { done(null, Object.fromEntries(new URLSearchParams(body))) })

  // Cross-site request forgery: the session cookie is SameSite=Lax, so another site's form comes
  // without it. That is not all: a sister subdomain is the same site, and a forged login needs no
  // cookie. So whatever changes something must come from a page of this very origin. Browsers say
  // where a request comes from in Sec-Fetch-Site, and in Origin where there is no https; a page
  // can forge neither. A client that sends none of the two is not a browser, and has no visitor's cookie
  // but its own.
  app.addHook('onRequest', async request => {
    if (request.method === 'GET' || request.method === 'HEAD') return
    if (!isOwnPage(request)) throw Object.assign(new Error('This form was sent from another site.'), { statusCode: 403 })
  })
}

function isOwnPage (request) {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === request.host)
}
