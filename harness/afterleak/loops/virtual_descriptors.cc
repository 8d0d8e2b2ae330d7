#include "afterleak/loops/virtual_descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "afterleak/loops/interpose.h"
#include "afterleak/loops/virtual_behind.h"
#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_world.h"

namespace afterleak::loops::internal {
namespace {

constexpr int kMost = 1 << 16;
constinit std::array<std::atomic<bool>, kMost> is_ours{};

bool IsKnown(int descriptor) { return descriptor >= 0 && descriptor < kMost; }

// The upper half of what a process may have.
int FirstOfOurs() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, kMost) / 2);
}

}  // namespace

int KeepAsOurs(int descriptor) {
  if (descriptor < 0) return descriptor;
  const int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, FirstOfOurs());
  if (moved >= 0) Real().close(descriptor);
  const int kept = moved >= 0 ? moved : descriptor;
  if (IsKnown(kept)) is_ours[static_cast<std::size_t>(kept)] = true;
  return kept;
}

void CloseOurs(int descriptor) {
  if (IsKnown(descriptor)) is_ours[static_cast<std::size_t>(descriptor)] = false;
  Real().close(descriptor);
}

bool IsOurs(int descriptor) {
  return IsKnown(descriptor) && is_ours[static_cast<std::size_t>(descriptor)];
}

}  // namespace afterleak::loops::internal

using namespace afterleak::loops::internal;

extern "C" {

// All but ours, in as many pieces as it takes.
int close_range(unsigned first, unsigned last, int flags) noexcept {
  static const auto next =
      reinterpret_cast<decltype(&::close_range)>(FindNext("close_range", nullptr));
  if (flags != 0) return next(first, last, flags);  // it closes nothing now, or not for all
  unsigned begin = first;
  for (unsigned each = first; each < kMost && each <= last; ++each) {
    const int descriptor = static_cast<int>(each);
    if (World::HasTimer(descriptor)) World::Get().RemoveTimer(descriptor);
    if (!IsOurs(descriptor)) continue;
    if (each > begin) next(begin, each - 1, flags);
    begin = each + 1;
  }
  return begin > last ? 0 : next(begin, last, flags);
}

void closefrom(int first) noexcept {
  close_range(static_cast<unsigned>(std::max(first, 0)), ~0U, 0);
}

}  // extern "C"
