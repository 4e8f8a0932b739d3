/** Time without service, as it was and as the chain tells it: by hand, step by step. */
import { describe, expect, test } from 'vitest';
import { ServiceBooks } from '../../../src/lab/experiment/service-books.ts';
import type { Event } from '../../../src/protocol/model/events.ts';

const S = 1_000_000;
const FIRST = 'tom/0/0/0';
const SECOND = 'tom/0/0/1';

/** Events have more fields than these books look at. */
function event(type: Event['type'], fields: object): Event {
  return { type, ...fields } as unknown as Event;
}

function served(): ServiceBooks {
  const books = new ServiceBooks();
  books.onEvent(event('OrderOpened', { order: FIRST }), 1 * S);
  books.onEvent(event('LeaseActive', { lease: FIRST }), 4 * S);
  books.onService('north', FIRST, true, 5 * S);
  books.onEvent(event('LeaseConfirmed', { lease: FIRST }), 10 * S);
  return books;
}

describe('time without service', () => {
  test('lasts from the death of a provider until another one serves', () => {
    const books = served();
    books.onProcessEnded('south', 11 * S);
    books.onProcessEnded('north', 12 * S);
    books.onEvent(event('LeaseBroken', { lease: FIRST, renewed: true }), 20 * S);
    expect(books.metrics(22 * S)).toMatchObject({ outages: 1, outage_mean_s: 0, outage_max_s: 10, lease_gaps: 0 });
    books.onEvent(event('OrderOpened', { order: SECOND }), 20 * S);
    books.onEvent(event('LeaseActive', { lease: SECOND }), 24 * S);
    books.onService('south', SECOND, true, 26 * S);
    // The dead one comes back and takes down what it still has.
    books.onService('north', FIRST, true, 30 * S);
    books.onService('north', FIRST, false, 31 * S);
    expect(books.metrics(90 * S)).toEqual({
      outages: 1,
      outage_mean_s: 14,
      outage_max_s: 14,
      lease_gaps: 1,
      lease_gap_mean_s: 14,
      lease_gap_max_s: 14,
    });
  });

  test('of a workload that is started again is told, and nothing of it is on the chain', () => {
    const books = served();
    books.onService('north', FIRST, false, 12 * S);
    books.onService('north', FIRST, true, 15 * S);
    books.onService('north', FIRST, false, 20 * S);
    books.onService('north', FIRST, true, 21 * S);
    const none = { lease_gaps: 0, lease_gap_mean_s: 0, lease_gap_max_s: 0 };
    expect(books.metrics(90 * S)).toEqual({ outages: 2, outage_mean_s: 2, outage_max_s: 3, ...none });
  });

  test('is none when the tenant closes, or before there ever was a service', () => {
    const books = served();
    books.onEvent(event('LeaseClosing', { lease: FIRST }), 30 * S);
    books.onService('north', FIRST, false, 31 * S);
    const others = new ServiceBooks();
    others.onEvent(event('OrderOpened', { order: FIRST }), 1 * S);
    others.onProcessEnded('north', 2 * S);
    for (const one of [books, others]) expect(one.metrics(90 * S)).toMatchObject({ outages: 0, outage_max_s: 0 });
  });

  test('ends where nobody orders the service again', () => {
    for (const end of [
      event('LeaseBroken', { lease: FIRST, renewed: false }),
      event('LeaseClosing', { lease: FIRST }),
      event('OrderClosed', { order: SECOND }),
    ]) {
      const books = served();
      books.onProcessEnded('north', 12 * S);
      if (end.type === 'OrderClosed') books.onEvent(event('LeaseBroken', { lease: FIRST, renewed: true }), 14 * S);
      books.onEvent(end, 20 * S);
      expect(books.metrics(90 * S)).toMatchObject({ outages: 1, outage_max_s: 8, lease_gaps: 0 });
    }
  });
});
