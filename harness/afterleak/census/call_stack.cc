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
// Not under ThreadSanitizer: libunwind locks a mutex when a thread ends, after ThreadSanitizer has
// let go of the thread, and that crashes.
Backtrace FindBacktrace() {
  if (dlsym(RTLD_DEFAULT, "__tsan_init") != nullptr) return &::backtrace;
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

const CallStack& CaptureCallStack(const void* caller) {
  const heap::Scope::Suspend suspend;  // kept for the whole process: charge no scope for it
  static const Backtrace capture = FindBacktrace();
  std::array<void*, kMostFrames> addresses;
  const int captured = std::max(0, capture(addresses.data(), kMostFrames));
  void** const end = addresses.data() + captured;
  void** const from = std::find(addresses.data(), end, caller);
  std::array<std::uintptr_t, kMostFrames> frames;
  std::size_t count = 0;
  for (void** address = from == end ? addresses.data() : from; address != end; ++address)
    frames[count++] = reinterpret_cast<std::uintptr_t>(*address);
  return KeepCallStack(std::span(frames).first(count));
}

const CallStack& KeepCallStack(std::span<const std::uintptr_t> found) {
  const heap::Scope::Suspend suspend;
  static Table& table = *new Table;  // threads may outlive static objects

  std::uint64_t hash = 0;
  for (const std::uintptr_t frame : found) {
    hash = (hash ^ frame) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  const std::lock_guard lock(table.mutex);
  const auto [first, last] = table.stacks.equal_range(hash);
  for (auto known = first; known != last; ++known) {
    if (std::ranges::equal(known->second.frames, found)) return known->second;
  }
  auto kept = std::make_unique<std::uintptr_t[]>(found.size());
  std::ranges::copy(found, kept.get());
  const CallStack stack{std::span<const std::uintptr_t>(kept.get(), found.size())};
  table.frames.push_back(std::move(kept));
  return table.stacks.emplace(hash, stack)->second;
}

}  // namespace afterleak::internal
