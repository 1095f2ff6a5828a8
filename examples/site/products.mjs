import { html } from './html.mjs'

/** What the shop sells. Prices are in cents; drawings are on a grid of 64. */
export const products = new Map(Object.entries({
  notebook: {
    name: 'Squared notebook',
    about: '160 pages, lies flat',
    price: 950,
    drawing: html`<rect x="15" y="9" width="36" height="46" rx="3"/><path d="M23 9v46M31 20h12M31 28h12M11 18h8M11 28h8M11 38h8M11 48h8"/>`
  },
  folder: {
    name: 'Manila folder',
    about: 'Ten of them',
    price: 600,
    drawing: html`<path d="M8 50V16a3 3 0 0 1 3-3h14l5 6h23a3 3 0 0 1 3 3v28a3 3 0 0 1-3 3H11a3 3 0 0 1-3-3z"/><path d="M8 27h48M17 19h7"/>`
  },
  cards: {
    name: 'Index cards',
    about: 'A hundred, ruled',
    price: 420,
    drawing: html`<path d="M14 20l4-9h38v28l-6 3"/><rect x="8" y="20" width="42" height="31" rx="2"/><path d="M8 28h42M14 35h30M14 42h22"/>`
  },
  pen: {
    name: 'Fountain pen',
    about: 'Steel nib, medium',
    price: 2400,
    drawing: html`<path d="M46 7l11 11-26 27-15 5 4-16zM39 14l11 11M20 34l11 11M16 50l9-9M10 56h20"/>`
  },
  ink: {
    name: 'Blue-black ink',
    about: '50 ml, keeps for years',
    price: 1100,
    drawing: html`<path d="M24 9h16v9H24zM26 18v6c-9 3-14 8-14 16v9a5 5 0 0 0 5 5h30a5 5 0 0 0 5-5v-9c0-8-5-13-14-16v-6M12 39c7-4 13 4 20 0s13-4 20 0"/>`
  },
  clips: {
    name: 'Paper clips',
    about: 'A box of two hundred',
    price: 250,
    drawing: html`<path d="M23 40V20a9 9 0 0 1 18 0v26a12 12 0 0 1-24 0V22M41 22v22M29 40V21a3 3 0 0 1 6 0v24a6 6 0 0 1-12 0v-5"/>`
  }
}))
