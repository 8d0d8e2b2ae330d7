#include "afterleak/census/call_stack.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

#include "afterleak/census/keeper.h"
#include "afterleak/census/mapped_array.h"
#include "afterleak/census/site.h"
#include "afterleak/heap/heap.h"

namespace afterleak::internal {
namespace {

using Backtrace = int (*)(void**, int);

#ifdef AFTERLEAK_PRELOADED

// Not libunwind: it keeps a pipe, and where the program has closed all descriptors, it closes what
// has their numbers since.
Backtrace FindBacktrace() {
  return [](void** addresses, int most) {
    struct Found {
      void** next;
      void** end;
    } found = {addresses, addresses + most};
    _Unwind_Backtrace(
        [](_Unwind_Context* context, void* data) {
          auto& [next, end] = *static_cast<Found*>(data);
          if (next == end || _Unwind_GetIP(context) == 0) return _URC_END_OF_STACK;
          *next++ = reinterpret_cast<void*>(_Unwind_GetIP(context));
          return _URC_NO_REASON;
        },
        &found);
    return static_cast<int>(found.next - addresses);
  };
}

#else

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

#endif

// A hash table outside the heap: a timer may be armed in a signal handler that interrupts malloc.
class Table {
 public:
  // Never destroyed: threads may outlive static objects.
  static Table& Get() {
    static Table& table = *Create();
    return table;
  }

  const CallStack& Keep(std::uint64_t hash, std::span<const std::uintptr_t> frames) {
    bool is_new = false;
    const CallStack& kept = Keep(hash, frames, is_new);
    if (is_new && KeeperNow().note_code != nullptr) KeeperNow().note_code();
    return kept;
  }

 private:
  static Table* Create() {
    auto* const table = new (TakePages(sizeof(Table))) Table;
    // A child of fork gets the table as it was, and not in the middle of a change.
    pthread_atfork([] { Get().mutex_.lock(); }, [] { Get().mutex_.unlock(); },
                   [] { Get().mutex_.unlock(); });
    return table;
  }

  const CallStack& Keep(std::uint64_t hash, std::span<const std::uintptr_t> frames, bool& is_new) {
    const std::lock_guard lock(mutex_);
    std::uint32_t& first = buckets_[hash % buckets_.size()];
    for (std::uint32_t i = first; i != 0; i = stacks_[i].next) {
      if (std::ranges::equal(stacks_[i].stack.frames, frames)) return stacks_[i].stack;
    }
    if (stacks_.size() == 0) stacks_.Grow();  // 0 is none
    const auto index = static_cast<std::uint32_t>(stacks_.Grow());
    Stack& kept = stacks_[index];
    std::ranges::copy(frames, kept.frames.begin());
    kept.stack = {.frames = std::span(kept.frames).first(frames.size()), .id = index};
    kept.next = std::exchange(first, index);
    is_new = true;
    return kept.stack;
  }

  struct Stack {
    CallStack stack;
    std::array<std::uintptr_t, kMostFrames> frames;
    std::uint32_t next;  // in the same bucket
  };

  std::mutex mutex_;
  std::array<std::uint32_t, 4096> buckets_{};
  MappedArray<Stack> stacks_;  // elements do not move
};

// Where the return addresses of a stack were in memory. If a thread is as deep as it was then, and
// they are there still, its stack is the same: the innermost tells the function that was called
// from there, and so where the next one is. A look is some 10 ns.
class Seen {
 public:
  bool IsStackAt(std::uintptr_t depth) const {
    if (depth != depth_ || !has_slots_) return false;
    const std::span<const std::uintptr_t> frames = stack_->frames;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      if (ReadWord(depth_ + slots_[i]) != frames[i]) return false;
    }
    return true;
  }

  // To find the slots costs microseconds, so it is done for a stack that comes twice in a row.
  [[gnu::noinline]] void Remember(std::uintptr_t depth, const CallStack& stack) {
    const bool twice = depth_ == depth && stack_ == &stack;
    depth_ = depth;
    stack_ = &stack;
    has_slots_ = twice && !has_slots_ && FindSlots();
  }

  const CallStack& stack() const { return *stack_; }

 private:
  [[gnu::no_sanitize_address, gnu::no_sanitize_thread]] static std::uintptr_t ReadWord(
      std::uintptr_t address) {
    return *reinterpret_cast<const volatile std::uintptr_t*>(address);
  }

  bool FindSlots() {
    found_ = 0;
    _Unwind_Backtrace(
        [](_Unwind_Context* context, void* self) {
          return static_cast<Seen*>(self)->Take(_Unwind_GetIP(context), _Unwind_GetCFA(context));
        },
        this);
    return found_ == stack_->frames.size();
  }

  // A frame, innermost first, and the stack pointer at its call: on x86-64 the return address is
  // right below. Where it is not there, stacks are not remembered.
  _Unwind_Reason_Code Take(std::uintptr_t return_address, std::uintptr_t stack_pointer) {
    if (found_ == stack_->frames.size()) return _URC_END_OF_STACK;
    if (return_address != stack_->frames[found_])
      return found_ == 0 ? _URC_NO_REASON : _URC_END_OF_STACK;
    const std::uintptr_t slot = stack_pointer - sizeof(std::uintptr_t);
    if (slot <= depth_ || slot - depth_ > kFarthest || ReadWord(slot) != return_address)
      return _URC_END_OF_STACK;
    slots_[found_++] = static_cast<std::uint32_t>(slot - depth_);
    return _URC_NO_REASON;
  }

  static constexpr std::uintptr_t kFarthest = 1 << 20;

  std::uintptr_t depth_ = 0;
  const CallStack* stack_ = nullptr;
  bool has_slots_ = false;
  std::size_t found_ = 0;
  std::array<std::uint32_t, kMostFrames> slots_{};  // above depth_
};

constinit thread_local std::array<Seen, 32> seen_here;

}  // namespace

const CallStack& KeepCallStack(std::span<const std::uintptr_t> found) {
  std::uint64_t hash = 0;
  for (const std::uintptr_t frame : found) {
    hash = (hash ^ frame) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return Table::Get().Keep(hash, found);
}

[[gnu::noinline]] const CallStack& CaptureCallStack(const void* caller) {
  const auto depth = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const std::uintptr_t key = depth ^ reinterpret_cast<std::uintptr_t>(caller) << 4;
  Seen& seen = seen_here[key * 0x9E3779B97F4A7C15u >> 59];
  if (seen.IsStackAt(depth)) return seen.stack();

  const heap::Scope::Suspend suspend;  // kept for the whole process: charge no scope for it
  static const Backtrace capture = FindBacktrace();
  std::array<void*, kMostFrames> addresses;
  const int captured = std::max(0, capture(addresses.data(), kMostFrames));
  void** const end = addresses.data() + captured;
  void** const found = std::find(addresses.data(), end, caller);
  std::array<std::uintptr_t, kMostFrames> frames;
  std::size_t count = 0;
  for (void** address = found == end ? addresses.data() : found; address != end; ++address)
    frames[count++] = reinterpret_cast<std::uintptr_t>(*address);
  const CallStack& stack = KeepCallStack(std::span<const std::uintptr_t>(frames.data(), count));
  seen.Remember(depth, stack);
  return stack;
}

}  // namespace afterleak::internal

namespace afterleak {

// From its caller on: only a stack without frames of the capture itself is remembered.
[[gnu::noinline]] Site Site::WithCallStack() const {
  Site site = *this;
  site.stack_ = &internal::CaptureCallStack(__builtin_return_address(0));
  return site;
}

}  // namespace afterleak
