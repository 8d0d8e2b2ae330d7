#include "afterleak/loops/asio_watched.h"

namespace afterleak::loops::asio_tracking {
namespace {

void Begin(Wait wait, Clock clock, std::chrono::nanoseconds left, const void* caller,
           std::span<const std::uintptr_t> frames) {
  if (frames.empty())
    internal::Armed(TimerOf(clock), wait, left, caller);
  else
    internal::Armed(TimerOf(clock), wait, left, frames);
}

}  // namespace

extern "C" {
[[gnu::visibility("default")]] extern const WatchedAsio afterleak_watched_asio;
[[gnu::used]] const WatchedAsio afterleak_watched_asio = {
    .begin = &Begin,
    .fire = [](Wait wait) { internal::Fired(Library::kAsio, wait); },
    .stop = [](Wait wait) { internal::Stopped(Library::kAsio, wait); }};
}

}  // namespace afterleak::loops::asio_tracking
