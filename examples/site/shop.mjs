import { recentLogin } from './devices.mjs'
import { cartPage, shopPage } from './pages.mjs'
import { products } from './products.mjs'

const productForm = {
  type: 'object',
  required: ['product'],
  properties: { product: { enum: [...products.keys()] } }
}
const MOST_OF_ONE = 99

export async function shop (app) {
  app.get('/shop', async (request, reply) => reply.page('Shop', shopPage(request.session.cart, request.query)))

  app.get('/cart', async (request, reply) => reply.page('Cart', cartPage(request.session.cart, request.query.changed)))

  app.post('/cart/add', { schema: { body: productForm } }, async (request, reply) => {
    const { product } = request.body
    // update() works on the newest state and starts again if another request came between: two tabs, or a
    // double click, never lose a piece.
    await request.session.update(draft => {
      draft.since ??= Date.now()
      draft.cart ??= {}
      draft.cart[product] = Math.min((draft.cart[product] ?? 0) + 1, MOST_OF_ONE)
    })
    if (request.query.back === 'cart') return reply.redirect(`/cart?changed=add-${product}`, 303)
    request.session.messages = [`${products.get(product).name}: put into your cart.`]
    return reply.redirect(`/shop?added=${product}`, 303)
  })

  app.post('/cart/remove', { schema: { body: productForm } }, async (request, reply) => {
    const { product } = request.body
    await request.session.update(draft => {
      if (!draft.cart?.[product]) return
      draft.cart[product]--
      if (draft.cart[product] === 0) delete draft.cart[product]
    })
    return reply.redirect(`/cart?changed=remove-${product}`, 303)
  })

  // A guest may order. Who is logged in must have been so lately: the session may be on a device that was left alone.
  const preHandler = async (request, reply) => request.session.user === undefined ? undefined : await recentLogin.call(app, request, reply)
  app.post('/order', { preHandler }, async (request, reply) => {
    // Who takes the cart out of the session has it: a form sent twice makes one order.
    const cart = await request.session.update(draft => {
      const taken = draft.cart
      delete draft.cart
      return taken
    })
    const pieces = Object.values(cart ?? {}).reduce((sum, count) => sum + count, 0)
    request.session.messages = [pieces === 0
      ? 'There was nothing to order.'
      : `Thank you. You ordered ${pieces} ${pieces === 1 ? 'thing' : 'things'}; as this is a demo, nothing will arrive.`]
    return reply.redirect('/', 303)
  })
}
