// The timers of the event loops that a program uses: Asio, libuv, libevent, libev, GLib, Qt,
// sd-event, timerfd and POSIX timers, in one census for the whole process.
//
// Link afterleak::loops into a test program; the code under test is not changed, and needs no
// recompilation (Asio does: link afterleak::loops_asio to what is compiled with it). From then on
// each timer is recorded by the call stack that armed it.
//
//   Inventory before = loops::Alive();
//   HandleRequest();
//   Verdict verdict = loops::CheckLeftSince(before);           // leak_check.h
//   if (!verdict) std::puts(ToString(verdict).c_str());
//
// What is counted: Resource::kTimer, from the arming until it fires, is stopped or freed; and
// Resource::kIdle, from when it is made, and from then on, until the object is closed or freed
// (uv_close, event_free, g_source_unref, timer_delete, close), or armed. The loop keeps an armed
// timer, so nobody can say whether it is needed: it is rooted, and found as left behind or growing.
//
// Thread-safe. To arm and stop costs some 80 ns, and 150 to 250 ns more for a stack that did not
// arm just before.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "afterleak/census/census.h"
#include "afterleak/census/judge.h"
#include "afterleak/loops/library.h"

namespace afterleak::loops {

// The exact counters since the program began, and the census by site. The first is O(1); the second
// is O(everything that is live), and a new line takes milliseconds to look up. The kernel is asked
// about each live timerfd and POSIX timer first, at some 200 ns each: nobody else knows that it
// fired. So what was armed by those, and fired, is in a peak until somebody asks.
CensusTotals Totals(Resource resource = Resource::kTimer);
CensusReport Report(Resource resource = Resource::kTimer);

// Everything that is live or idle, by site.
Inventory Alive();

// Begins a window: SiteReport::window_peak_live counts from here on.
void NextWindow();

// A library that the process has loaded, and whether its timers are seen here.
struct Watch {
  Library library;
  std::string blind{};  // why they are not seen, and the cure; empty if they are
};
std::vector<Watch> Watched();

}  // namespace afterleak::loops
