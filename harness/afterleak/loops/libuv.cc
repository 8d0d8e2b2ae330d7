// libuv's timers (https://docs.libuv.org/en/v1.x/timer.html), known by the address of their handle.
//
// A firing is seen by the callback, which is changed for ours when a timer is started. libuv's own
// calls of these functions go through the PLT and come to us too. Those within a call of the
// program's are told by OwnCall. Those of uv_run, which stops a timer before it calls back and
// starts a repeating one again, are told by where they come from: the function that calls back.
// That a return address is in libuv says too little: where a callback of the program ends with such
// a call, the compiler makes a jump of it, which leaves the return address of the callback.
#include <atomic>
#include <cstdint>
#include <utility>

#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {
namespace {

// Opaque: the header of the libuv in use is not needed.
struct uv_timer_t;
struct uv_loop_t;
using uv_timer_cb = void (*)(uv_timer_t*);
using uv_close_cb = void (*)(uv_timer_t*);

constexpr std::string_view kCure = "stop it with uv_timer_stop when its work is over";
constexpr std::string_view kCureOfIdle = "close it with uv_close when nobody starts it again";
constexpr LoopTimer kOnce =
    MakeLoopTimer(Library::kLibuv, "uv_timer_start", false, kCure, "uv_timer_init", kCureOfIdle);
constexpr LoopTimer kAgain =
    MakeLoopTimer(Library::kLibuv, "uv_timer_again", true, kCure, "uv_timer_init", kCureOfIdle);
constexpr LoopTimer kRepeating = MakeLoopTimer(Library::kLibuv, "uv_timer_start (repeat)", true,
                                               kCure, "uv_timer_init", kCureOfIdle);

const Module& Libuv(const void* caller) {
  static const Module libuv(FindNext("uv_timer_start", caller));
  return libuv;
}

// What libuv calls back now, on this thread, of timers.
constinit thread_local uv_timer_cb running = nullptr;
void Call(uv_timer_t* timer);

// A callback of a timer returns to ours; what is called back for something else is not known.
Caller CallerAt(const void* address) {
  constexpr std::uintptr_t kItsSize = 1024;  // at most
  const auto ours = reinterpret_cast<std::uintptr_t>(&Call);
  if (running != nullptr && reinterpret_cast<std::uintptr_t>(address) - ours < kItsSize)
    return Caller::Jumped(address, reinterpret_cast<const void*>(running));
  return Libuv(address).Contains(address) ? Caller::Jumped(address, nullptr) : Caller(address);
}

bool IsLibuvs(const void* caller) { return Libuv(caller).CallsByName(caller); }

std::uint64_t RepeatOf(const uv_timer_t* timer) {
  static const auto get = Next<std::uint64_t(const uv_timer_t*)>("uv_timer_get_repeat");
  return get(timer);
}

Duration Milliseconds(std::uint64_t count) {
  constexpr std::uint64_t kMost = kNever / std::chrono::milliseconds(1);
  return count > kMost ? kNever : std::chrono::milliseconds(count);
}

void Call(uv_timer_t* timer) {
  const auto callback = reinterpret_cast<uv_timer_cb>(DataOf(Library::kLibuv, KeyOf(timer)));
  if (const std::uint64_t repeat = RepeatOf(timer))
    Ticked(Library::kLibuv, KeyOf(timer), Milliseconds(repeat));
  else
    Fired(Library::kLibuv, KeyOf(timer));
  if (callback == nullptr) return;
  const uv_timer_cb outer = std::exchange(running, callback);  // one may run a loop
  callback(timer);
  running = outer;
}

extern "C" {

int afterleak_uv_timer_init(uv_loop_t* loop, uv_timer_t* timer) {
  static const auto next = Next<int(uv_loop_t*, uv_timer_t*)>("uv_timer_init", AFTERLEAK_CALLER);
  Freed(Library::kLibuv, KeyOf(timer));  // its memory was freed without uv_close
  const int error = next(loop, timer);
  if (error == 0 && !IsLibuvs(AFTERLEAK_CALLER))
    Made(kOnce, KeyOf(timer), CallerAt(AFTERLEAK_CALLER));
  return error;
}

int afterleak_uv_timer_start(uv_timer_t* timer, uv_timer_cb callback, std::uint64_t timeout,
                             std::uint64_t repeat) {
  static const auto next = Next<int(uv_timer_t*, uv_timer_cb, std::uint64_t, std::uint64_t)>(
      "uv_timer_start", AFTERLEAK_CALLER);
  const OwnCall call;
  // libuv has timers, too, such as that of uv_fs_poll_t.
  if (callback == nullptr || !call.IsOutermost() ||
      Libuv(AFTERLEAK_CALLER).Contains(reinterpret_cast<const void*>(callback)))
    return next(timer, callback, timeout, repeat);
  const int error = next(timer, &Call, timeout, repeat);
  if (error == 0) {
    Armed(repeat == 0 ? kOnce : kRepeating, KeyOf(timer), Milliseconds(timeout),
          CallerAt(AFTERLEAK_CALLER), reinterpret_cast<void*>(callback));
    // Where there was no memory to record it, ours would not know whom to call.
    if (DataOf(Library::kLibuv, KeyOf(timer)) != reinterpret_cast<void*>(callback))
      return next(timer, callback, timeout, repeat);
  }
  return error;
}

int afterleak_uv_timer_again(uv_timer_t* timer) {
  static const auto next = Next<int(uv_timer_t*)>("uv_timer_again", AFTERLEAK_CALLER);
  const OwnCall call;
  const bool programs = call.IsOutermost() && !IsLibuvs(AFTERLEAK_CALLER);
  const int error = next(timer);
  if (!programs || error != 0) return error;
  if (const std::uint64_t repeat = RepeatOf(timer)) {
    Armed(kAgain, KeyOf(timer), Milliseconds(repeat), CallerAt(AFTERLEAK_CALLER),
          DataOf(Library::kLibuv, KeyOf(timer)));
  }
  return error;
}

int afterleak_uv_timer_stop(uv_timer_t* timer) {
  static const auto next = Next<int(uv_timer_t*)>("uv_timer_stop", AFTERLEAK_CALLER);
  const OwnCall call;
  if (call.IsOutermost() && !IsLibuvs(AFTERLEAK_CALLER)) Stopped(Library::kLibuv, KeyOf(timer));
  return next(timer);
}

void afterleak_uv_close(uv_timer_t* handle, uv_close_cb callback) {
  static const auto next = Next<void(uv_timer_t*, uv_close_cb)>("uv_close", AFTERLEAK_CALLER);
  const OwnCall call;
  Freed(Library::kLibuv, KeyOf(handle));  // known only if it is a timer
  next(handle, callback);
}

}  // extern "C"

AFTERLEAK_IN_FRONT(int, uv_timer_init, afterleak_uv_timer_init, (uv_loop_t*, uv_timer_t*));
AFTERLEAK_IN_FRONT(int, uv_timer_start, afterleak_uv_timer_start,
                   (uv_timer_t*, uv_timer_cb, std::uint64_t, std::uint64_t));
AFTERLEAK_IN_FRONT(int, uv_timer_again, afterleak_uv_timer_again, (uv_timer_t*));
AFTERLEAK_IN_FRONT(int, uv_timer_stop, afterleak_uv_timer_stop, (uv_timer_t*));
AFTERLEAK_IN_FRONT(void, uv_close, afterleak_uv_close, (uv_timer_t*, uv_close_cb));

}  // namespace

extern const Source kLibuv;
const Source kLibuv = {.library = Library::kLibuv,
                       .function = "uv_timer_start",
                       .ours = reinterpret_cast<const void*>(&afterleak_uv_timer_start),
                       .linked = reinterpret_cast<const void*>(&uv_timer_start)};

}  // namespace afterleak::loops::internal
