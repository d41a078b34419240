/** The demo's shop: every kind of change a leader can make, in a schema one can read. */

export const tables = [
  'customers',
  'products',
  'orders',
  'order_lines',
  'accounts',
  'carts',
  'audit',
] as const;

/** Money only moves between accounts: their sum is the same in every snapshot of every copy. */
export const accountCount = 200;
export const accountBalance = 1_000;

const productCount = 400;
/** Beyond 2 kB and stored apart (TOAST): updates that spare it do not send it. */
const description_chars = 6_000;

export const schemaSql = `
  CREATE TABLE public.customers (
    id bigint PRIMARY KEY, email text NOT NULL, name text, settings jsonb, created_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE public.products (
    sku text PRIMARY KEY, title text NOT NULL, price numeric(12,2) NOT NULL, stock integer NOT NULL, description text);
  ALTER TABLE public.products ALTER COLUMN description SET STORAGE EXTERNAL;
  CREATE TABLE public.orders (
    id bigint PRIMARY KEY, customer_id bigint NOT NULL, status text NOT NULL, placed_at timestamptz NOT NULL DEFAULT now(),
    total numeric(12,2) NOT NULL DEFAULT 0);
  CREATE TABLE public.order_lines (
    order_id bigint, line integer, sku text NOT NULL, quantity integer NOT NULL, gift boolean NOT NULL DEFAULT false,
    PRIMARY KEY (order_id, line));
  CREATE TABLE public.accounts (id integer PRIMARY KEY, balance numeric(14,2) NOT NULL);
  CREATE TABLE public.carts (id bigint PRIMARY KEY, items jsonb NOT NULL, touched_on date NOT NULL DEFAULT current_date);
  CREATE TABLE public.audit (at timestamptz NOT NULL DEFAULT now(), what text NOT NULL);
  ALTER TABLE public.audit REPLICA IDENTITY FULL;
  CREATE SEQUENCE public.order_ids START 10000001;`;

/** Fills the shop with about `rows` rows. */
export function seedSql(rows: number): string[] {
  const customers = Math.floor(rows * 0.35);
  const orders = Math.floor(rows * 0.25);
  return [
    `INSERT INTO public.customers SELECT i, 'c' || i || '@example.com', 'Customer “' || i || '”',
       pg_catalog.jsonb_build_object('lang', (ARRAY['en','fr','ja'])[1 + i % 3], 'vip', i % 10 = 0)
       FROM pg_catalog.generate_series(1, ${customers}) i`,
    `INSERT INTO public.products SELECT 'P' || pg_catalog.lpad(i::text, 5, '0'), 'Product ' || i, (i % 9973) / 7.0, 1000000,
       pg_catalog.left(pg_catalog.repeat(pg_catalog.md5(i::text), ${Math.ceil(description_chars / 32)}), ${description_chars})
       FROM pg_catalog.generate_series(1, ${productCount}) i`,
    `INSERT INTO public.orders SELECT i, 1 + i % ${customers}, 'paid', now(), i % 500
       FROM pg_catalog.generate_series(1, ${orders}) i`,
    `INSERT INTO public.order_lines SELECT 1 + i / 2, i % 2, 'P' || pg_catalog.lpad((1 + i % ${productCount})::text, 5, '0'), 1 + i % 5
       FROM pg_catalog.generate_series(0, ${rows - customers - orders}) i`,
    `INSERT INTO public.accounts SELECT i, ${accountBalance} FROM pg_catalog.generate_series(1, ${accountCount}) i`,
    `INSERT INTO public.carts SELECT i, '[]' FROM pg_catalog.generate_series(1, 500) i`,
    `INSERT INTO public.audit (what) SELECT 'seed' FROM pg_catalog.generate_series(1, 50) i`,
  ];
}

/** Half-way: a column whose default fills old rows without events, and a truncate. */
export const halfwaySql = `
  ALTER TABLE public.customers ADD COLUMN loyalty integer NOT NULL DEFAULT 7;
  TRUNCATE public.carts;`;

/** A whole number in [0, below). */
export type Dice = (below: number) => number;

/** One transaction of the live load, as SQL; `columnAdded` once `halfwaySql` has run. */
export function transactionSql(dice: Dice, rows: number, columnAdded: boolean): string {
  const steps = Array.from({ length: 1 + dice(4) }, () => {
    const kinds = columnAdded ? [...stepKinds, loyaltyPoints] : stepKinds;
    const step = dice(renameOneIn) === 0 ? renameProduct : (kinds[dice(kinds.length)] as StepKind);
    return step(dice, rows);
  });
  return `BEGIN; ${steps.join('; ')}; COMMIT`;
}

type StepKind = (dice: Dice, rows: number) => string;

const sku = (dice: Dice): string => `'P${String(1 + dice(productCount)).padStart(5, '0')}'`;
const customer = (dice: Dice, rows: number): number => 1 + dice(Math.floor(rows * 0.35));

const stepKinds: readonly StepKind[] = [
  // An order with three lines.
  (dice, rows) => `WITH o AS (INSERT INTO public.orders (id, customer_id, status, total)
      SELECT pg_catalog.nextval('public.order_ids'), ${customer(dice, rows)}, 'new', ${dice(10_000)} / 100.0 RETURNING id)
    INSERT INTO public.order_lines SELECT o.id, l, ${sku(dice)}, 1 + l, l = 2 FROM o, pg_catalog.generate_series(1, 3) l`,
  // Stock falls: the long description is not sent.
  (dice) => `UPDATE public.products SET stock = stock - 1 WHERE sku = ${sku(dice)}`,
  (dice) =>
    `UPDATE public.products SET description = pg_catalog.reverse(description), price = price + 0.01 WHERE sku = ${sku(dice)}`,
  (dice, rows) =>
    `UPDATE public.customers SET settings = settings || '{"seen": ${dice(1_000)}}' WHERE id = ${customer(dice, rows)}`,
  (dice, rows) =>
    `UPDATE public.orders SET status = 'shipped' WHERE id = ${1 + dice(Math.floor(rows * 0.25))}`,
  (dice, rows) =>
    `DELETE FROM public.order_lines WHERE order_id = ${1 + dice(Math.floor(rows * 0.2))} AND line = ${dice(2)}`,
  (dice) => `INSERT INTO public.carts VALUES (${1_000 + dice(100_000)}, '[${dice(9)}]')
    ON CONFLICT (id) DO UPDATE SET items = excluded.items`,
  // A table without a key.
  (dice) => `INSERT INTO public.audit (what) VALUES ('login ${dice(50)}'), ('login ${dice(50)}')`,
  (dice) =>
    `DELETE FROM public.audit WHERE ctid = (SELECT ctid FROM public.audit WHERE what = 'login ${dice(50)}' LIMIT 1)`,
  // The bank. The lower account first, so that two transfers never wait for each other.
  (dice) => {
    const amount = 1 + dice(20);
    const [one, two] = [1 + dice(accountCount), 1 + dice(accountCount)];
    const [low, high] = one < two ? [one, two] : [two, one];
    return low === high
      ? 'SELECT 1'
      : `UPDATE public.accounts SET balance = balance - ${amount} WHERE id = ${low};
         UPDATE public.accounts SET balance = balance + ${amount} WHERE id = ${high}`;
  },
];

/** Keys change, but rarely. */
const renameOneIn = 120;

/** A key change, and back: the description moves along without being sent. */
const renameProduct: StepKind = (dice) => {
  const key = sku(dice);
  return `UPDATE public.products SET sku = sku || '-renamed' WHERE sku = ${key};
    UPDATE public.products SET sku = ${key}, stock = stock + 1 WHERE sku = ${key} || '-renamed'`;
};

const loyaltyPoints: StepKind = (dice, rows) =>
  `UPDATE public.customers SET loyalty = loyalty + ${dice(5)} WHERE id = ${customer(dice, rows)}`;
