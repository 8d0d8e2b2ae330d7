// LoopHost: an event loop that hosts the pairs which are written for it. A program has those of one
// library, since libevent and libev export functions of the same names: on_LIBRARY.cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pairs/looping_select.h"
#include "stage/pattern.h"

namespace pairs {

// Run is called in the loop's thread, and the others in that thread or before it runs.
class LoopHost {
 public:
  virtual ~LoopHost() = default;

  virtual void Run() = 0;  // until Stop
  virtual void Stop() = 0;

  // Calls `ready` each time that the descriptor is readable.
  virtual void OnReadable(int descriptor, std::function<void()> ready) = 0;

  // One side of a pair; see the header of the library, such as libuv.h.
  virtual void LoopingSelect(afterleak::Variant side, int messages, LoopTimes times, Work work,
                             std::function<void()> returned) = 0;
  virtual void EarlyReturn(afterleak::Variant side, int messages, LoopTimes times,
                           std::function<void(std::optional<std::string>)> returned) = 0;
  virtual void IdleTimeout(afterleak::Variant side, int messages, afterleak::Duration quiet,
                           Work work, std::function<void()> returned) = 0;
  virtual void SignalBeforeExpiry(afterleak::Variant side, int signal, afterleak::Duration length,
                                  std::function<void(std::optional<int>)> ended) = 0;
};

// The library that this program is linked with, as its folder is called.
extern const std::string_view kLoopLibrary;

// With a new loop of that library. `on` is its name or, for Asio, "coroutines": then the fixed
// sides of looping_select and idle_timeout are those of coroutines.
std::unique_ptr<LoopHost> MakeHost(std::string_view on);

}  // namespace pairs
