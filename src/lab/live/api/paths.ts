/**
 * Ids with slashes in paths. Orders, leases and deployments have slashes in their ids, and the names of leaves do too: a
 * person types `/orders/akash1.../0/0/0`, a program encodes it. Before routing, the parts of an id are put together.
 */

/** Parts of the ids under each path; infinite: everything that follows. */
const PARTS: Readonly<Record<string, number>> = {
  deployments: 2,
  orders: 4,
  leases: 4,
  proof: Number.POSITIVE_INFINITY,
};

/** The URL with the slashes of an id written as %2F; any other URL as it is. */
export function withJoinedId(url: string): string {
  const cut = url.search(/[?#]/);
  const path = cut < 0 ? url : url.slice(0, cut);
  const [, first = '', ...rest] = path.split('/');
  const parts = Object.hasOwn(PARTS, first) ? PARTS[first]! : 0;
  if (parts === 0 || rest.length < 2 || (Number.isFinite(parts) && rest.length < parts)) return url;
  const id = rest.slice(0, parts).join('%2F');
  const after = rest.slice(parts).map(part => `/${part}`);
  return `/${first}/${id}${after.join('')}${cut < 0 ? '' : url.slice(cut)}`;
}
