/*
 * The classic hold model on the event schedulers of ns-3.
 *
 * N events are pending; each event that is executed schedules one successor after an exponential increment
 * of mean 1 s. The first N events warm the queue up, the next M are timed. Every scheduler that ns-3 ships is
 * measured in turn in the same process, and one JSON line is printed for each.
 *
 *     hold-ns3 [pending = 10000] [events = 5000000] [scheduler ...]
 *
 * Schedulers: MapScheduler ListScheduler HeapScheduler CalendarScheduler PriorityQueueScheduler. Without names
 * all run, except ListScheduler when more than 1,000 events are pending: it inserts by a linear walk.
 *
 * The increments come from a table of 65,536 that is drawn before anything is timed, so that the queue is
 * measured and not the generator. The table is that of hold_simpy.py to the nanosecond (README.md gives the
 * formula), so "finalNs", the time of the last event, must be equal for all schedulers and all peers.
 */

#include "ns3/core-module.h"

#include <chrono>
#include <cinttypes>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace ns3;

namespace
{

constexpr uint32_t TABLE_SIZE = 65536;
constexpr uint32_t LIST_LIMIT = 1000;

/** Increments as ns3::Time, so that no conversion happens while the clock runs. */
std::vector<Time> g_increments;
uint32_t g_next = 0;
uint64_t g_remaining = 0;

/** The next increment of the table, which is walked in a circle. */
inline const Time&
NextIncrement()
{
    return g_increments[g_next++ & (TABLE_SIZE - 1)];
}

/** The one event of the model: schedule a successor. */
void
Hold()
{
    Simulator::Schedule(NextIncrement(), &Hold);
    if (--g_remaining == 0)
    {
        Simulator::Stop();
    }
}

/** Exponential increments of mean 1 s in whole nanoseconds, by inversion of a 32-bit linear congruence. */
void
DrawIncrements()
{
    g_increments.reserve(TABLE_SIZE);
    uint32_t x = 1;
    for (uint32_t i = 0; i < TABLE_SIZE; i++)
    {
        x = x * 1664525U + 1013904223U;
        const double u = (x + 0.5) / 4294967296.0;
        g_increments.push_back(NanoSeconds(static_cast<int64_t>(std::floor(-std::log(u) * 1e9 + 0.5))));
    }
}

/** Runs exactly `events` events and returns the seconds of wall time they took. */
double
RunEvents(uint64_t events)
{
    g_remaining = events;
    const auto start = std::chrono::steady_clock::now();
    Simulator::Run();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    return taken.count();
}

/** Measures one scheduler and prints its line. */
void
Measure(const std::string& scheduler, uint32_t pending, uint64_t events)
{
    ObjectFactory factory;
    factory.SetTypeId("ns3::" + scheduler);
    Simulator::SetScheduler(factory);
    g_next = 0;
    for (uint32_t i = 0; i < pending; i++)
    {
        Simulator::Schedule(NextIncrement(), &Hold);
    }
    RunEvents(pending);
    const double seconds = RunEvents(events);
    std::printf("{\"peer\":\"ns-3\",\"scheduler\":\"%s\",\"pending\":%" PRIu32 ",\"events\":%" PRIu64
                ",\"seconds\":%.6f,\"eventsPerSecond\":%.0f,\"finalNs\":%" PRId64 "}\n",
                scheduler.c_str(),
                pending,
                events,
                seconds,
                static_cast<double>(events) / seconds,
                Simulator::Now().GetNanoSeconds());
    std::fflush(stdout);
    Simulator::Destroy();
}

/** Reads a positive count from the command line, or ends the program with a message. */
uint64_t
ParseCount(const char* text, const char* name, uint64_t limit)
{
    char* end = nullptr;
    const unsigned long long value = std::strtoull(text, &end, 10);
    if (*text == '-' || end == text || *end != '\0' || value == 0 || value > limit)
    {
        std::fprintf(stderr, "hold-ns3: %s must be a whole number of 1 to %" PRIu64 ", not '%s'\n", name, limit, text);
        std::exit(2);
    }
    return value;
}

} // namespace

int
main(int argc, char* argv[])
{
    // ns-3 numbers events with 32 bits, which bounds both counts.
    const uint64_t pending = argc > 1 ? ParseCount(argv[1], "pending", 100'000'000) : 10'000;
    const uint64_t events = argc > 2 ? ParseCount(argv[2], "events", 4'000'000'000) : 5'000'000;
    std::vector<std::string> schedulers;
    for (int i = 3; i < argc; i++)
    {
        TypeId type;
        if (!TypeId::LookupByNameFailSafe("ns3::" + std::string(argv[i]), &type) ||
            !type.IsChildOf(Scheduler::GetTypeId()))
        {
            std::fprintf(stderr, "hold-ns3: ns-3 has no scheduler '%s'\n", argv[i]);
            return 2;
        }
        schedulers.emplace_back(argv[i]);
    }
    if (schedulers.empty())
    {
        schedulers = {"MapScheduler", "HeapScheduler", "CalendarScheduler", "PriorityQueueScheduler"};
        if (pending <= LIST_LIMIT)
        {
            schedulers.emplace_back("ListScheduler");
        }
    }
    DrawIncrements();
    for (const std::string& scheduler : schedulers)
    {
        Measure(scheduler, static_cast<uint32_t>(pending), events);
    }
    return 0;
}
