// The clock that every peer reads: it stands still until a benchmark moves it, so that no timer has
// to be waited for and nobody pays for asking what time it is.
#pragma once

#include <chrono>

namespace bench {

// Nanoseconds since the machine started, as it were.
inline std::chrono::nanoseconds virtual_now = std::chrono::hours(1);

inline std::chrono::nanoseconds VirtualNow() { return virtual_now; }
inline void AdvanceVirtual(std::chrono::nanoseconds by) { virtual_now += by; }

}  // namespace bench
