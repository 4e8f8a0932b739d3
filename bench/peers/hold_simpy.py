#!/usr/bin/python3
"""The classic hold model on SimPy.

N events are pending; each event that is executed schedules one successor after an exponential increment of
mean 1 s. The first N events warm the queue up, the next M are timed. One JSON line is printed for each way of
writing the model:

- process: N generator processes that yield env.timeout(), the way SimPy's documentation teaches;
- timeout: no processes, a callback on each Timeout that makes the next one;
- schedule: no processes and no new objects, each event is put back with env.schedule(). This leans on how
  Environment.step() treats an event after its callbacks, and is the fastest that SimPy's queue can do.

    hold_simpy.py [pending = 10000] [events = 1000000] [variant ...]

The increments come from a table of 65,536 drawn before anything is timed, so that the queue is measured and not
the generator. It is the table of hold-ns3.cc to the nanosecond (README.md gives the formula); times are whole
nanoseconds kept in floats, exact below 2**53. So "finalNs" must be equal for all variants and all peers.
"""

import json
import sys
from itertools import cycle, repeat
from math import floor, log
from time import perf_counter

import simpy

TABLE_SIZE = 65536


def draw_increments():
    """Exponential increments of mean 1e9 ns, by inversion of a 32-bit linear congruence."""
    increments = []
    x = 1
    for _ in range(TABLE_SIZE):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        increments.append(float(floor(-log((x + 0.5) / 4294967296.0) * 1e9 + 0.5)))
    return increments


def start_process(env, pending, next_increment):
    """N processes, each in an endless loop of timeouts."""

    def hold():
        timeout = env.timeout
        while True:
            yield timeout(next_increment())

    for _ in range(pending):
        env.process(hold())
    # SimPy starts a process with an event of its own at time 0: those N are not events of the model.
    for _ in range(pending):
        env.step()


def start_timeout(env, pending, next_increment):
    """N timeouts, each followed by a new one that its callback makes."""
    timeout = env.timeout

    def hold(_event):
        timeout(next_increment()).callbacks.append(hold)

    for _ in range(pending):
        hold(None)


def start_schedule(env, pending, next_increment):
    """N events, each put back into the queue by its own callback."""
    schedule = env.schedule
    priority = simpy.events.NORMAL

    def hold(event):
        # step() detached the list of callbacks before it called this one.
        event.callbacks = callbacks
        schedule(event, priority, next_increment())

    callbacks = [hold]
    for _ in range(pending):
        timeout = env.timeout(next_increment())
        timeout.callbacks = callbacks


VARIANTS = {"process": start_process, "timeout": start_timeout, "schedule": start_schedule}


def measure(variant, pending, events, increments):
    """Runs one variant and returns what is printed about it."""
    env = simpy.Environment()
    VARIANTS[variant](env, pending, cycle(increments).__next__)
    # Environment.run() is a loop around step(); stepping here gives the exact count without an event to stop at.
    step = env.step
    for _ in repeat(None, pending):
        step()
    start = perf_counter()
    for _ in repeat(None, events):
        step()
    seconds = perf_counter() - start
    return {
        "peer": "simpy",
        "version": simpy.__version__,
        "variant": variant,
        "pending": pending,
        "events": events,
        "seconds": round(seconds, 6),
        "eventsPerSecond": round(events / seconds),
        "finalNs": int(env.now),
    }


def count(text, name):
    """A positive whole number of the command line."""
    if not text.isdecimal() or int(text) == 0:
        sys.exit(f"hold_simpy.py: {name} must be a whole number of at least 1, not '{text}'")
    return int(text)


def main(arguments):
    """Reads the command line and measures the variants one after the other."""
    pending = count(arguments[0], "pending") if len(arguments) > 0 else 10_000
    events = count(arguments[1], "events") if len(arguments) > 1 else 1_000_000
    variants = arguments[2:] or list(VARIANTS)
    for variant in variants:
        if variant not in VARIANTS:
            sys.exit(f"hold_simpy.py: there is no variant '{variant}', only {', '.join(VARIANTS)}")
    increments = draw_increments()
    for variant in variants:
        print(json.dumps(measure(variant, pending, events, increments), separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
