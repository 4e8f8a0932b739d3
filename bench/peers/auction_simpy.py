#!/usr/bin/python3
"""The reverse auction of a compute market as a bare SimPy model: no ledger, no chain, no messages.

200 providers with 8 slots each stand in 20 regions, 10 to a region. Orders arrive as a Poisson process that
would keep three quarters of all slots busy. Each order falls in a random region, where every provider with a
free slot bids with probability 0.86, at its cost times a markup, after a delay within the 5 s for which the
order stays open. Then the lowest bid whose provider still has a free slot wins that slot for an exponential
lease. README.md gives the model in formulas and the order in which random numbers are drawn.

    auction_simpy.py [orders = 100000] [seed = 1] [style = callback]

There are three styles of writing the same model, all with the same market; they print the same counts:

- process: a process for each order and one for each bid, as SimPy's tutorial has it;
- callback: a process for each order, while a bid is a Timeout with the bid as its value whose callback appends
  it to the order's book. It takes about .4 of the time of the first style, because a process costs SimPy a
  generator and two events of its own (start and end) besides the timeout;
- event: no processes at all, every step of an order is a callback on a Timeout. Faster still, but it gives up
  what SimPy is for, so it is an upper bound and not the peer.

Slots are plain integers: nobody queues for one, so a simpy.Resource would only add events.
"""

import json
import sys
from math import log
from operator import itemgetter
from random import Random
from time import perf_counter

import simpy

REGIONS = 20
PROVIDERS_PER_REGION = 10
SLOTS_PER_PROVIDER = 8
SLOTS = REGIONS * PROVIDERS_PER_REGION * SLOTS_PER_PROVIDER
LOAD = 0.75
MEAN_LEASE_S = 1200.0
MEAN_GAP_S = MEAN_LEASE_S / (LOAD * SLOTS)
OPEN_S = 5.0
BID_PROBABILITY = 0.86
COST_LOW, COST_SPAN = 0.5, 1.0
MARKUP_LOW, MARKUP_SPAN = 1.0, 0.5

by_price = itemgetter(0)


class Provider:
    """A seller of slots in one region."""

    __slots__ = ("cost", "free")

    def __init__(self, cost):
        self.cost = cost
        self.free = SLOTS_PER_PROVIDER


class Market:
    """The state and the counts of one run; a style below says how its events are made."""

    def __init__(self, orders, seed):
        self.env = simpy.Environment()
        self.orders = orders
        self.random = Random(seed).random
        self.regions = [
            [Provider(COST_LOW + COST_SPAN * self.random()) for _ in range(PROVIDERS_PER_REGION)]
            for _ in range(REGIONS)
        ]
        self.bids = 0
        self.matched = 0
        self.expired = 0
        self.unfilled = 0
        self.price_sum = 0.0
        self.released = 0
        # Busy slot-seconds up to now are busy_now * now + busy_offset: two additions a lease, no list of times.
        self.busy_offset = 0.0
        self.utilisation = 0.0

    def award(self, book):
        """Closes an order on its bids (price, provider) in order of arrival; returns the winner or None."""
        if not book:
            self.expired += 1
            return None
        # The sort is stable: of two equal prices the earlier bid wins.
        book.sort(key=by_price)
        for price, provider in book:
            if provider.free:
                provider.free -= 1
                self.matched += 1
                self.price_sum += price
                self.busy_offset -= self.env._now
                return provider
        self.unfilled += 1
        return None

    def release(self, provider):
        """Ends a lease."""
        provider.free += 1
        self.released += 1
        self.busy_offset += self.env._now

    def note_utilisation(self):
        """Takes the mean utilisation from the start to this moment."""
        now = self.env.now
        busy = (self.matched - self.released) * now + self.busy_offset
        self.utilisation = busy / (SLOTS * now)


def bid_process(env, delay, bid, book):
    """A bid of style `process`: thinks for a while, then enters the book."""
    yield env.timeout(delay)
    book.append(bid)


def order_with_processes(market, region):
    """An order of style `process`."""
    env = market.env
    random = market.random
    book = []
    for provider in region:
        if provider.free and random() < BID_PROBABILITY:
            delay = OPEN_S * random()
            price = provider.cost * (MARKUP_LOW + MARKUP_SPAN * random())
            env.process(bid_process(env, delay, (price, provider), book))
    yield env.timeout(OPEN_S)
    market.bids += len(book)
    winner = market.award(book)
    # The generator lives as long as the lease: without this it would keep the losing bids for all that time.
    book.clear()
    if winner is not None:
        yield env.timeout(-MEAN_LEASE_S * log(1.0 - random()))
        market.release(winner)


def order_with_callbacks(market, region):
    """An order of style `callback`."""
    timeout = market.env.timeout
    random = market.random
    arrived = []
    enter = arrived.append
    for provider in region:
        if provider.free and random() < BID_PROBABILITY:
            delay = OPEN_S * random()
            price = provider.cost * (MARKUP_LOW + MARKUP_SPAN * random())
            timeout(delay, (price, provider)).callbacks.append(enter)
    yield timeout(OPEN_S)
    market.bids += len(arrived)
    winner = market.award([bid._value for bid in arrived])
    # The generator lives as long as the lease: without this it would keep the spent events for all that time.
    arrived.clear()
    if winner is not None:
        yield timeout(-MEAN_LEASE_S * log(1.0 - random()))
        market.release(winner)


def arrivals(market, order):
    """The Poisson stream of orders, each a process of its own."""
    env = market.env
    timeout = env.timeout
    process = env.process
    random = market.random
    regions = market.regions
    for _ in range(market.orders):
        yield timeout(-MEAN_GAP_S * log(1.0 - random()))
        process(order(market, regions[int(REGIONS * random())]))
    # Utilisation counts up to the close of the last order: after it the market only drains.
    yield timeout(OPEN_S)
    market.note_utilisation()


def start_events(market):
    """All of style `event`: arrivals, bids, closes and releases as callbacks on timeouts."""
    timeout = market.env.timeout
    random = market.random
    regions = market.regions
    opened = 0

    def end_of_lease(event):
        market.release(event._value)

    def close(event):
        arrived = event._value
        market.bids += len(arrived)
        winner = market.award([bid._value for bid in arrived])
        if winner is not None:
            timeout(-MEAN_LEASE_S * log(1.0 - random()), winner).callbacks.append(end_of_lease)

    def arrive(_event):
        nonlocal opened
        opened += 1
        region = regions[int(REGIONS * random())]
        # The next gap is drawn before the bids, as the arrival process of the other styles does.
        if opened < market.orders:
            timeout(-MEAN_GAP_S * log(1.0 - random())).callbacks.append(arrive)
        arrived = []
        enter = arrived.append
        for provider in region:
            if provider.free and random() < BID_PROBABILITY:
                delay = OPEN_S * random()
                price = provider.cost * (MARKUP_LOW + MARKUP_SPAN * random())
                timeout(delay, (price, provider)).callbacks.append(enter)
        timeout(OPEN_S, arrived).callbacks.append(close)
        if opened == market.orders:
            timeout(OPEN_S).callbacks.append(lambda _: market.note_utilisation())

    timeout(-MEAN_GAP_S * log(1.0 - random())).callbacks.append(arrive)


STARTS = {
    "process": lambda market: market.env.process(arrivals(market, order_with_processes)),
    "callback": lambda market: market.env.process(arrivals(market, order_with_callbacks)),
    "event": start_events,
}


def count(text, name):
    """A positive whole number of the command line."""
    if not text.isdecimal() or int(text) == 0:
        sys.exit(f"auction_simpy.py: {name} must be a whole number of at least 1, not '{text}'")
    return int(text)


def main(arguments):
    """Reads the command line, runs the market until the last lease ended, prints one line."""
    orders = count(arguments[0], "orders") if len(arguments) > 0 else 100_000
    seed = count(arguments[1], "seed") if len(arguments) > 1 else 1
    style = arguments[2] if len(arguments) > 2 else "callback"
    if style not in STARTS:
        sys.exit(f"auction_simpy.py: there is no style '{style}', only {', '.join(STARTS)}")
    market = Market(orders, seed)
    STARTS[style](market)
    start = perf_counter()
    market.env.run()
    seconds = perf_counter() - start
    if market.matched + market.expired + market.unfilled != orders or market.released != market.matched:
        sys.exit("auction_simpy.py: orders were lost")
    result = {
        "peer": "simpy",
        "version": simpy.__version__,
        "style": style,
        "seed": seed,
        "orders": orders,
        "seconds": round(seconds, 6),
        "ordersPerSecond": round(orders / seconds),
        "bids": market.bids,
        "bidsPerOrder": round(market.bids / orders, 4),
        "matched": market.matched,
        "expired": market.expired,
        "unfilled": market.unfilled,
        "matchedShare": round(market.matched / orders, 5),
        "utilisation": round(market.utilisation, 5),
        "meanPrice": round(market.price_sum / max(1, market.matched), 5),
    }
    print(json.dumps(result, separators=(",", ":")))


if __name__ == "__main__":
    main(sys.argv[1:])
