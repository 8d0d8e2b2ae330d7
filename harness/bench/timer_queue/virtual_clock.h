// The clock that every peer reads. It stands still until a benchmark moves it, so nothing waits for
// a timer and nothing pays for reading the time.
#pragma once

#include <chrono>

namespace bench {

// Nanoseconds since the machine started, so to speak.
inline std::chrono::nanoseconds virtual_now = std::chrono::hours(1);

inline std::chrono::nanoseconds VirtualNow() { return virtual_now; }
inline void AdvanceVirtual(std::chrono::nanoseconds by) { virtual_now += by; }

}  // namespace bench
