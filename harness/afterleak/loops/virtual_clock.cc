// What tells time, and what only waits for it, in virtual time.

#include <cerrno>
#include <utility>

#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_time.h"
#include "afterleak/loops/virtual_world.h"

namespace {

using namespace afterleak::loops::internal;
using afterleak::Duration;
using afterleak::Time;

// A coarse clock is behind the others, if they are not equal.
bool IsCoarse(clockid_t clock) {
  return clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
}

// Waits until that instant. As nanosleep: -1 with errno if a signal came.
int SleepUntil(Time instant, const char* call) {
  World& world = World::Get();
  pollfd kick;
  Waiter waiter{.call = call, .deadline = instant, .descriptors = &kick};
  return world.Wait(waiter, nullptr, world.turns());
}

int SleepFor(Duration span, timespec* left, const char* call) {
  const Time instant = SaturatingAdd(World::Get().now(), span);
  if (SleepUntil(instant, call) == 0) return 0;
  const int error = errno;
  if (left != nullptr) *left = ToTimespec(instant - World::Get().now());
  errno = error;
  return -1;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const ClockStart start = StartOf(clock);
  if (!start.is_virtual || !World::ShowsTime()) return RealClock(clock, now);
  World& world = World::Get();
  *now = ToTimespec(start.at + (IsCoarse(clock) ? world.now().time_since_epoch() : world.shown()));
  return 0;
}

int gettimeofday(timeval* now, void* zone) noexcept {
  if (!World::ShowsTime()) return Real().gettimeofday(now, zone);
  const timespec shown = ToTimespec(kWallStart + World::Get().shown());
  *now = {.tv_sec = shown.tv_sec, .tv_usec = shown.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* now) noexcept {
  if (!World::ShowsTime()) return Real().time(now);
  const time_t shown = ToTimespec(kWallStart + World::Get().shown()).tv_sec;
  if (now != nullptr) *now = shown;
  return shown;
}

int timespec_get(timespec* now, int base) noexcept {
  if (base != TIME_UTC || !World::ShowsTime()) return Real().timespec_get(now, base);
  *now = ToTimespec(kWallStart + World::Get().shown());
  return base;
}

int nanosleep(const timespec* span, timespec* left) {
  if (!World::Here() || !IsValid(*span)) return Real().nanosleep(span, left);
  return SleepFor(ToDuration(*span), left, "nanosleep");
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* span, timespec* left) {
  const ClockStart start = StartOf(clock);
  if (!start.is_virtual || !World::Here() || !IsValid(*span))
    return Real().clock_nanosleep(clock, flags, span, left);
  const int saved = errno;
  const int result = (flags & TIMER_ABSTIME) != 0
                         ? SleepUntil(Time(ToDuration(*span) - start.at), "clock_nanosleep")
                         : SleepFor(ToDuration(*span), left, "clock_nanosleep");
  const int error = std::exchange(errno, saved);
  return result == 0 ? 0 : error;
}

int usleep(useconds_t span) {
  if (!World::Here()) return Real().usleep(span);
  return SleepFor(std::chrono::microseconds(span), nullptr, "usleep");
}

unsigned sleep(unsigned seconds) {
  if (!World::Here()) return Real().sleep(seconds);
  timespec left{};
  if (SleepFor(std::chrono::seconds(seconds), &left, "sleep") == 0) return 0;
  return static_cast<unsigned>(left.tv_sec) + (left.tv_nsec >= 500'000'000 ? 1 : 0);
}

}  // extern "C"
