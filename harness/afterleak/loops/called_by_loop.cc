#include <algorithm>

#include "afterleak/census/symbols.h"
#include "afterleak/loops/interpose.h"

namespace afterleak::loops::internal {

bool CalledByLoop(const void* caller) {
  if (IsInLoop(caller)) return true;
  const OwnCall call;  // a look-up opens and closes files
  const auto& frames = afterleak::internal::FramesAt(reinterpret_cast<std::uintptr_t>(caller));
  return std::ranges::any_of(frames, [](const afterleak::internal::Frame& frame) {
    return frame.function.starts_with("asio::") || frame.function.starts_with("boost::asio::");
  });
}

}  // namespace afterleak::loops::internal
