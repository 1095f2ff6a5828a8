import { html } from './html.mjs'
import { products } from './products.mjs'

const euros = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' })
const price = cents => euros.format(cents / 100)

const LINKS = [['/', 'Home'], ['/shop', 'Shop'], ['/cart', 'Cart'], ['/session', 'My session']]

/** The frame of every page. `visitor` is what it shows of the session; null where there is none to show. */
export function layout ({ title, path, visitor, content }) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Paper &amp; Clip</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header>
<div class="wide bar">
<a class="brand" href="/"><svg viewBox="0 0 64 64" aria-hidden="true">${products.get('clips').drawing}</svg>Paper &amp; Clip</a>
<nav aria-label="Main">
<ul>${LINKS.map(([href, name]) => html`
<li><a href="${href}"${href === path && html` aria-current="page"`}>${name}${href === '/cart' && cartCount(visitor?.cart)}</a></li>`)}
</ul>
</nav>
<div class="who">${visitor && account(visitor.user, path)}</div>
</div>
</header>
<main id="content" class="wide" tabindex="-1">
${visitor?.messages.map(message => html`<p class="message" role="status">${message}</p>`)}
${content}
</main>
<footer><div class="wide">A demo of fastify-file-sessions. Nothing is sold here.</div></footer>
</body>
</html>
`
}

/** `visits` is 0 for a visitor of whom nothing is stored. */
export function homePage ({ visits, user }) {
  return html`
<h1>${user ? html`Good to see you, ${user.name}` : 'Everything for your desk'}</h1>
<p class="lead">A small shop that forgets no visitor. Log in or fill your cart, stop the server, start it again, reload: it still knows you.</p>
${visits > 0
  ? html`<p class="counter"><strong id="visits">${visits}</strong> <span>${visits === 1 ? 'visit to this page' : 'visits to this page'}</span></p>`
  : html`<p class="note">Nothing is stored of you yet, and you have no cookie. A session begins when you log in or put something into the cart.</p>`}
<p class="buttons"><a class="button" href="/shop">Go to the shop</a> <a class="button quiet" href="/session">See my session</a></p>
`
}

export function loginPage ({ demoPassword, name = '', failed = false }) {
  return html`
<h1>Log in</h1>
<div class="note" id="hint"><p><strong>This is a demo.</strong> The users are <code>Ada</code> and <code>Grace</code>;
the password of both is <code>${demoPassword}</code>.</p></div>
${failed && html`<p class="error" role="alert" id="failed">No user has this name and password.</p>`}
<form class="card" method="post" action="/login">
<label for="name">Name</label>
<input id="name" name="name" value="${name}" autocomplete="username" autocapitalize="none" maxlength="100" required${failed && html` aria-describedby="failed"`}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="200" required${failed && html` aria-describedby="failed"`}>
<label class="check"><input type="checkbox" name="remember"> Remember me for 30 days</label>
<button>Log in</button>
</form>
`
}

/** `added` is the product whose button has the focus: who adds things by keyboard stays where they were. */
export function shopPage (cart, { added }) {
  const counts = new Map(linesOf(cart).map(({ id, count }) => [id, count]))
  return html`
<h1>Shop</h1>
<ul class="products">${[...products].map(([id, { name, about, price: cents, drawing }]) => html`
<li class="card">
<svg viewBox="0 0 64 64" aria-hidden="true">${drawing}</svg>
<h2>${name}</h2>
<p>${about}</p>
<form method="post" action="/cart/add">
<span><span class="price">${price(cents)}</span>${counts.has(id) && html`<small>${counts.get(id)} in your cart</small>`}</span>
<button name="product" value="${id}" aria-label="Add ${name} to the cart"${id === added && html` autofocus`}>Add</button>
</form>
</li>`)}
</ul>
`
}

/** `changed` is the button that has the focus, such as `add-pen`. */
export function cartPage (cart = {}, changed) {
  const lines = linesOf(cart)
  if (lines.length === 0) {
    return html`<h1>Cart</h1><p class="lead">There is nothing in it yet.</p><p><a class="button" href="/shop">Go to the shop</a></p>`
  }
  const total = lines.reduce((sum, { count, product }) => sum + count * product.price, 0)
  return html`
<h1>Cart</h1>
<div class="card">
<table>
<thead><tr><th scope="col">What</th><th scope="col" class="middle">How many</th><th scope="col" class="number">Price</th></tr></thead>
<tbody>${lines.map(({ id, count, product }) => html`
<tr><th scope="row">${product.name}</th>
<td class="middle"><div class="stepper">${step('remove', id, '−', `One ${product.name} less`, changed)}<span>${count}</span>${step('add', id, '+', `One ${product.name} more`, changed)}</div></td>
<td class="number">${price(count * product.price)}</td></tr>`)}
</tbody>
<tfoot><tr><th scope="row" colspan="2">Total</th><td class="number">${price(total)}</td></tr></tfoot>
</table>
<form method="post" action="/order"><button>Order</button></form>
</div>
`
}

export function sessionPage (session) {
  const { messages, ...data } = session.data()
  if (session.isNew && Object.keys(data).length === 0) {
    return html`<h1>My session</h1><p class="lead">You have none: nothing is stored for you, and you have no cookie.
Log in or put something into the cart, and one begins.</p>`
  }
  const text = JSON.stringify(data, null, 2)
  return html`
<h1>My session</h1>
<dl class="card">
<div><dt>User</dt><dd>${data.user?.name ?? 'not logged in'}</dd></div>
<div><dt>Age</dt><dd>${data.since === undefined ? 'just begun' : age(Date.now() - data.since)}</dd></div>
<div><dt>Ends</dt><dd>${data.remembered ? '30 days after the last visit' : '2 hours after the last visit, or with the browser'}</dd></div>
<div><dt>Visits to the home page</dt><dd>${data.visits ?? 0}</dd></div>
</dl>
<h2>What the server keeps of you</h2>
<pre tabindex="0" aria-label="Session data"><code>${text}</code></pre>
<p>The session's id is not shown, for it is as good as a password. It is in your cookie only: the
server keeps your session under a hash of it.</p>
`
}

/** `current` is the handle of the session that asks. */
export function devicesPage (devices, current) {
  return html`
<h1>My devices</h1>
<p class="lead">Where you are logged in. If you do not know one of them, log it out and change your password.</p>
<ul class="devices">${devices.map(({ handle, about, lastUsed }) => html`
<li class="card">
<h2>${about?.agent ?? 'A browser'}${handle === current && html` <span class="this">this one</span>`}</h2>
<p>Logged in ${ago(about?.loggedIn)}, last used ${handle === current ? 'now' : ago(lastUsed)}</p>
${handle !== current && html`<form method="post" action="/devices/end"><button class="quiet" name="handle" value="${handle}" aria-label="Log out ${about?.agent ?? 'a browser'}">Log out</button></form>`}
</li>`)}
</ul>
<div class="buttons">
${devices.length > 1 && html`<form method="post" action="/devices/end-others"><button class="quiet">Log out all others</button></form>`}
<form method="post" action="/devices/end-all"><button class="quiet">Log out everywhere</button></form>
</div>
`
}

/** Asks for the password again. `next` is where the visitor was about to go. */
export function confirmPage ({ next, failed = false }) {
  return html`
<h1>Your password</h1>
<p class="lead">Your login is a while ago. Please show that it is still you.</p>
${failed && html`<p class="error" role="alert" id="failed">That is not your password.</p>`}
<form class="card" method="post" action="/confirm">
<input type="hidden" name="next" value="${next}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="200" required autofocus${failed && html` aria-describedby="failed"`}>
<button>Go on</button>
</form>
`
}

export function errorPage (statusCode, message) {
  return html`<h1>${statusCode === 404 ? 'There is no such page' : 'That did not work'}</h1><p class="lead">${message}</p>
<p><a class="button" href="/">Back to the home page</a></p>`
}

function account (user, path) {
  if (user) return html`<a class="name" href="/devices"${path === '/devices' && html` aria-current="page"`}>${user.name}<span class="hidden">: my devices</span></a><form method="post" action="/logout"><button class="quiet">Log out</button></form>`
  return path !== '/login' && html`<a class="button quiet" href="/login">Log in</a>`
}

function cartCount (cart) {
  const pieces = linesOf(cart).reduce((sum, { count }) => sum + count, 0)
  return pieces > 0 && html` <span class="badge">${pieces}<span class="hidden"> in it</span></span>`
}

/** What is in the cart and still on sale. */
function linesOf (cart = {}) {
  return Object.entries(cart)
    .filter(([id]) => products.has(id))
    .map(([id, count]) => ({ id, count, product: products.get(id) }))
}

function step (action, id, sign, label, changed) {
  const focus = changed === `${action}-${id}` && html` autofocus`
  return html`<form method="post" action="/cart/${action}?back=cart"><button class="quiet" name="product" value="${id}" aria-label="${label}"${focus}>${sign}</button></form>`
}

function ago (moment) {
  if (moment === undefined) return 'some time ago'
  const since = Date.now() - moment
  return since < 60_000 ? 'just now' : `${age(since)} ago`
}

function age (milliseconds) {
  const units = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]]
  const [unit, length] = units.find(([, length]) => milliseconds >= length) ?? units[3]
  const count = Math.floor(milliseconds / length)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
