#include "afterleak/census/call_stack.h"

#include <dlfcn.h>
#include <execinfo.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "afterleak/heap/heap.h"

namespace afterleak::internal {
namespace {

using Backtrace = int (*)(void**, int);

// Not linked: libunwind exports the functions that throw exceptions, too, and would take the place
// of the compiler's.
Backtrace FindBacktrace() {
  if (void* const library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL)) {
    if (void* const function = dlsym(library, "unw_backtrace"))
      return reinterpret_cast<Backtrace>(function);
  }
  return &::backtrace;
}

struct Table {
  std::mutex mutex;
  std::unordered_multimap<std::uint64_t, CallStack> stacks;
  std::vector<std::unique_ptr<std::uintptr_t[]>> frames;
};

}  // namespace

const CallStack& CaptureCallStack() {
  const heap::Scope::Suspend suspend;  // kept for the whole process: charge no scope for it
  static const Backtrace capture = FindBacktrace();
  static Table& table = *new Table;  // threads may outlive static objects

  std::array<void*, kMostFrames> addresses;
  const auto count = static_cast<std::size_t>(std::max(0, capture(addresses.data(), kMostFrames)));
  std::array<std::uintptr_t, kMostFrames> frames;
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < count; ++i) {
    frames[i] = reinterpret_cast<std::uintptr_t>(addresses[i]);
    hash = (hash ^ frames[i]) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  const std::span<const std::uintptr_t> found(frames.data(), count);

  const std::lock_guard lock(table.mutex);
  const auto [first, last] = table.stacks.equal_range(hash);
  for (auto known = first; known != last; ++known) {
    if (std::ranges::equal(known->second.frames, found)) return known->second;
  }
  auto kept = std::make_unique<std::uintptr_t[]>(count);
  std::ranges::copy(found, kept.get());
  const CallStack stack{std::span<const std::uintptr_t>(kept.get(), count)};
  table.frames.push_back(std::move(kept));
  return table.stacks.emplace(hash, stack)->second;
}

}  // namespace afterleak::internal
