#include "afterleak/heap/heap.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/test_bubble.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AFTERLEAK_SANITIZED 1
// Otherwise a malloc of too much ends the process instead of failing.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }
#else
#define AFTERLEAK_SANITIZED 0
#endif

// Sampled before main, while this file's statics are initialised, and after their destruction.
static const int64_t counted_before_main = [] {
  const int64_t before = afterleak::heap::Process().total_blocks;
  ::operator delete(::operator new(1));
  return afterleak::heap::Process().total_blocks - before;
}();

static bool exit_by_last_destructor = false;
[[gnu::destructor]] static void RunsAfterStaticDestructors() {
  if (!exit_by_last_destructor) return;
  const int64_t before = afterleak::heap::Process().live_blocks;
  void* block = ::operator new(1);
  const int64_t during = afterleak::heap::Process().live_blocks;
  ::operator delete(block);
  const int64_t after = afterleak::heap::Process().live_blocks;
  _exit(during == before + 1 && after == before ? 42 : 1);
}

namespace afterleak::heap {
namespace {

using Sizes = std::initializer_list<size_t>;
constexpr size_t kTooMuch = std::numeric_limits<size_t>::max();

class Heap : public testing::Test {
 protected:
  void SetUp() override { AFTERLEAK_SKIP_UNLESS_COUNTING(); }
};
using HeapScope = Heap;
using HeapProcess = Heap;

// Runs `body` to its end in a new thread. Not with std::thread, which allocates.
template <typename Body>
void InThread(Body body) {
  pthread_t thread;
  const auto start = [](void* arg) -> void* { return (*static_cast<Body*>(arg))(), nullptr; };
  if (pthread_create(&thread, nullptr, start, &body) != 0) std::abort();
  pthread_join(thread, nullptr);
}

Usage Live(int64_t blocks, int64_t bytes) { return {blocks, bytes, bytes, blocks, bytes}; }
Usage Gone(int64_t blocks, int64_t bytes) { return {0, 0, bytes, blocks, bytes}; }

void* Take(size_t bytes) { return ::operator new(bytes); }
void Give(void* block) { ::operator delete(block); }

// --- What holds beside another operator new, too ---

TEST(HeapCounting, IsTrueIfWhatIsTakenIsSeen) {
  Scope scope;
  Give(Take(1));
  EXPECT_EQ(Counting(), scope.usage().total_blocks == 1);
}

TEST(HeapTold, IsInTheScopesOfItsThreadAndInTheProcess) {
  const Usage before = Process();
  Scope outer;
  const uint32_t of_outer = internal::OnNew(1);
  EXPECT_EQ(outer.usage(), Live(1, 1));
  {
    Scope inner;
    const uint32_t of_inner = internal::OnNew(2);
    EXPECT_EQ(inner.usage(), Live(1, 2));
    EXPECT_EQ(outer.usage(), Live(2, 3));
    EXPECT_EQ(Process().live_bytes, before.live_bytes + 3);
    EXPECT_EQ(Process().live_blocks, before.live_blocks + 2);
    internal::OnDelete(2, of_inner);
    EXPECT_EQ(inner.usage(), Gone(1, 2));
    {
      const Scope::Suspend unseen;
      internal::OnDelete(3, internal::OnNew(3));
    }
    {
      const Adopt none{ScopeRef()};
      internal::OnDelete(3, internal::OnNew(3));
    }
    EXPECT_EQ(inner.usage(), Gone(1, 2));
  }
  internal::OnDelete(1, of_outer);
  EXPECT_EQ(outer.usage(), Gone(2, 3));
  EXPECT_EQ(Process().live_bytes, before.live_bytes);
  EXPECT_EQ(Process().live_blocks, before.live_blocks);
  EXPECT_EQ(Process().total_blocks, before.total_blocks + 4);
}

// --- operator new and delete ---

TEST_F(Heap, EveryFormOfNewAndDeleteCountsTheRequestedBytes) {
  static constexpr auto kAlign = std::align_val_t{128};
  struct Form {
    const char* name;
    void* (*take)(size_t n);
    void (*give)(void* p, size_t n);
  };
  // clang-format off
  const Form forms[] = {
      {"plain", [](size_t n) { return ::operator new(n); },
       [](void* p, size_t) { ::operator delete(p); }},
      {"plain, sized", [](size_t n) { return ::operator new(n); },
       [](void* p, size_t n) { ::operator delete(p, n); }},
      {"array", [](size_t n) { return ::operator new[](n); },
       [](void* p, size_t) { ::operator delete[](p); }},
      {"array, sized", [](size_t n) { return ::operator new[](n); },
       [](void* p, size_t n) { ::operator delete[](p, n); }},
      {"nothrow", [](size_t n) { return ::operator new(n, std::nothrow); },
       [](void* p, size_t) { ::operator delete(p, std::nothrow); }},
      {"array, nothrow", [](size_t n) { return ::operator new[](n, std::nothrow); },
       [](void* p, size_t) { ::operator delete[](p, std::nothrow); }},
      {"aligned", [](size_t n) { return ::operator new(n, kAlign); },
       [](void* p, size_t) { ::operator delete(p, kAlign); }},
      {"aligned, sized", [](size_t n) { return ::operator new(n, kAlign); },
       [](void* p, size_t n) { ::operator delete(p, n, kAlign); }},
      {"aligned array", [](size_t n) { return ::operator new[](n, kAlign); },
       [](void* p, size_t) { ::operator delete[](p, kAlign); }},
      {"aligned array, sized", [](size_t n) { return ::operator new[](n, kAlign); },
       [](void* p, size_t n) { ::operator delete[](p, n, kAlign); }},
      {"aligned nothrow", [](size_t n) { return ::operator new(n, kAlign, std::nothrow); },
       [](void* p, size_t) { ::operator delete(p, kAlign, std::nothrow); }},
      {"aligned array nothrow", [](size_t n) { return ::operator new[](n, kAlign, std::nothrow); },
       [](void* p, size_t) { ::operator delete[](p, kAlign, std::nothrow); }},
  };
  // clang-format on
  for (const Form& form : forms) {
    for (const size_t size : Sizes{0, 1, 8, 16, 17, 24, 25, 32, 33, 100, 4096, 1'000'000}) {
      Scope scope;
      void* block = form.take(size);
      const Usage live = scope.usage();
      std::memset(block, 0xff, size);
      form.give(block, size);
      const Usage gone = scope.usage();
      const auto bytes = static_cast<int64_t>(size);
      EXPECT_EQ(live, Live(1, bytes)) << form.name << " of " << size;
      EXPECT_EQ(gone, Gone(1, bytes)) << form.name << " of " << size;
    }
  }
}

TEST_F(Heap, CountsWhatTheStandardLibraryAllocatesInItsOwnSharedObject) {
  Scope scope;
  std::string text(1000, 'x');
  EXPECT_EQ(scope.usage(), Live(1, 1001));
}

TEST_F(Heap, DeletingNullDoesNothing) {
  Scope scope;
  Give(nullptr);
  EXPECT_EQ(scope.usage(), Usage{});
}

TEST_F(Heap, BlocksOfZeroBytesHaveAddressesOfTheirOwn) {
  void* one = Take(0);
  void* other = Take(0);
  EXPECT_NE(one, nullptr);
  EXPECT_NE(one, other);
  Give(one);
  Give(other);
}

TEST_F(Heap, AlignmentIsHonoured) {
  for (const size_t alignment : Sizes{1, 8, 16, 32, 64, 4096}) {
    for (const size_t size : Sizes{1, 24, 32, 4096, 5000}) {
      std::array<void*, 20> blocks;  // several: one might be aligned by luck
      for (void*& block : blocks) block = ::operator new(size, std::align_val_t{alignment});
      for (void* block : blocks) {
        EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % std::max<size_t>(alignment, 16), 0u);
        ::operator delete(block, std::align_val_t{alignment});
      }
    }
  }
}

TEST_F(Heap, FailureThrowsOrReturnsNullAndCountsNothing) {
  // The last two would wrap around when the trailer is added.
  for (volatile size_t size : {kTooMuch / 4, kTooMuch - 7, kTooMuch}) {
    Scope scope;
    EXPECT_THROW(Take(size), std::bad_alloc);
    void* volatile block = nullptr;  // or the compiler may leave out what nobody uses
    EXPECT_THROW(block = ::operator new(size, std::align_val_t{64}), std::bad_alloc);
    EXPECT_EQ(block, nullptr);
    EXPECT_EQ(::operator new(size, std::nothrow), nullptr);
    EXPECT_EQ(::operator new[](size, std::align_val_t{64}, std::nothrow), nullptr);
    EXPECT_EQ(scope.usage(), Usage{});
  }
}

int handler_calls;

TEST_F(Heap, TheNewHandlerIsCalledUntilItIsRemoved) {
  volatile size_t too_much = kTooMuch / 4;
  const std::new_handler handler = [] {
    if (++handler_calls == 3) std::set_new_handler(nullptr);
  };
  handler_calls = 0;
  std::set_new_handler(handler);
  EXPECT_THROW(Take(too_much), std::bad_alloc);
  EXPECT_EQ(handler_calls, 3);

  handler_calls = 0;
  std::set_new_handler(handler);
  EXPECT_EQ(::operator new(too_much, std::nothrow), nullptr);
  EXPECT_EQ(handler_calls, 3);
}

TEST_F(Heap, WhatTheNewHandlerThrowsLeavesNewButNotNothrowNew) {
  struct OutOfPatience : std::bad_alloc {};
  volatile size_t too_much = kTooMuch;
  std::set_new_handler([] { throw OutOfPatience(); });
  EXPECT_THROW(Take(too_much), OutOfPatience);
  EXPECT_EQ(::operator new(too_much, std::nothrow), nullptr);
  std::set_new_handler(nullptr);
}

TEST_F(Heap, NewSucceedsOnceTheHandlerHasMadeRoom) {
  if (AFTERLEAK_SANITIZED) GTEST_SKIP() << "a sanitizer cannot live with RLIMIT_AS";
  const auto limit = [](rlim_t bytes) {
    rlimit now;
    getrlimit(RLIMIT_AS, &now);
    now.rlim_cur = std::min(bytes, now.rlim_max);
    setrlimit(RLIMIT_AS, &now);
  };
  Scope scope;
  handler_calls = 0;
  static const auto make_room = [limit] { limit(RLIM_INFINITY), ++handler_calls; };
  std::set_new_handler([] { make_room(); });
  limit(1 << 20);  // below what is mapped: no more mappings
  void* block = Take(1 << 28);
  limit(RLIM_INFINITY);
  std::set_new_handler(nullptr);
  EXPECT_EQ(handler_calls, 1);
  EXPECT_EQ(scope.usage(), Live(1, 1 << 28));
  Give(block);
}

TEST_F(Heap, DeletingAnOverrunBlockAborts) {
  EXPECT_DEATH(
      {
        auto* block = static_cast<char*>(Take(24));
        asm("" : "+r"(block));
        std::memset(block, 0, 24 + 16);
        Give(block);
      },
      "overrun|AddressSanitizer: use-after-poison");
}

// --- Process ---

TEST_F(HeapProcess, CountsBeforeMain) { EXPECT_EQ(counted_before_main, 1); }

TEST_F(HeapProcess, CountsAfterTheLastStaticDestructor) {
  EXPECT_EXIT((exit_by_last_destructor = true, std::exit(0)), testing::ExitedWithCode(42), "");
}

TEST_F(HeapProcess, SeesABlockThatOneThreadAllocatesAndAnotherFrees) {
  const Usage before = Process();
  void* block = nullptr;
  InThread([&] { block = Take(100); });
  const Usage during = Process();
  InThread([&] { Give(block); });
  const Usage after = Process();
  EXPECT_EQ(during.live_blocks, before.live_blocks + 1);
  EXPECT_EQ(during.live_bytes, before.live_bytes + 100);
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  EXPECT_EQ(after.live_bytes, before.live_bytes);
  EXPECT_EQ(after.total_blocks, before.total_blocks + 1);
  EXPECT_EQ(after.total_bytes, before.total_bytes + 100);
}

// Allocates what is missing to reach the peak, so that anything more is a new peak.
class Ballast {
 public:
  Ballast() {
    const Usage now = Process();
    block_ = Take(static_cast<size_t>(now.peak_bytes - now.live_bytes) + 3 * 4096);
  }
  ~Ballast() { Give(block_); }

 private:
  void* block_;
};

TEST_F(HeapProcess, PeakIsWithinFourKibibytesForEachRunningThread) {
  std::vector<void*> blocks(10'000);
  for (int repeat = 0; repeat < 3; ++repeat) {
    const Ballast ballast;
    const Usage before = Process();
    for (void*& block : blocks) block = Take(64);
    InThread([&] {  // while this thread still has untold bytes
      for (void* block : blocks) Give(block);
    });
    const Usage after = Process();
    const int64_t top = before.live_bytes + 640'000;
    EXPECT_GE(after.peak_bytes, top - 2 * 4096);
    EXPECT_LE(after.peak_bytes, top + 2 * 4096);
    EXPECT_EQ(after.live_bytes, before.live_bytes);
  }
}

TEST_F(HeapProcess, OneBlockIsInThePeakWithinFourKibibytes) {
  for (const size_t size : Sizes{5000, 8000, 12'000, 1'000'000}) {
    const Ballast ballast;
    const int64_t top = Process().live_bytes + static_cast<int64_t>(size);
    Give(Take(size));
    EXPECT_GE(Process().peak_bytes, top - 4096) << size;
    EXPECT_LE(Process().peak_bytes, top + 4096) << size;
  }
}

TEST_F(HeapProcess, ManyBlocksOneAfterTheOtherDoNotRaiseThePeak) {
  const Ballast ballast;
  const int64_t top = Process().live_bytes + 8192;
  for (int i = 0; i < 20'000; ++i) Give(Take(8192));
  EXPECT_LE(Process().peak_bytes, top + 4096);
}

TEST_F(HeapProcess, ThreadsThatHaveEndedDoNotBlurThePeak) {
  constexpr size_t kThreads = 20;
  static pthread_barrier_t all_have_slots;
  pthread_barrier_init(&all_have_slots, nullptr, kThreads);
  const Ballast ballast;
  const Usage before = Process();
  std::array<pthread_t, kThreads> threads;
  std::array<void*, kThreads> blocks;
  for (size_t i = 0; i < kThreads; ++i) {
    const auto work = [](void* block) -> void* {
      *static_cast<void**>(block) = Take(3000);
      pthread_barrier_wait(&all_have_slots);
      return nullptr;
    };
    ASSERT_EQ(pthread_create(&threads[i], nullptr, work, &blocks[i]), 0);
  }
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  for (void* block : blocks) Give(block);
  pthread_barrier_destroy(&all_have_slots);
  EXPECT_GE(Process().peak_bytes, before.live_bytes + int64_t{kThreads} * 3000 - 4096);
}

TEST_F(HeapProcess, TenThousandShortThreadsKeepTheirSumsAndShareTheirStorage) {
  InThread([] { Give(Take(1)); });
  const uint32_t slots = internal::ThreadSlotsUsed();
  const Usage before = Process();
  for (int i = 0; i < 10'000; ++i) {
    InThread([] { Give(Take(7)); });
  }
  const Usage after = Process();
  EXPECT_EQ(after.total_blocks, before.total_blocks + 10'000);
  EXPECT_EQ(after.total_bytes, before.total_bytes + 70'000);
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  EXPECT_EQ(internal::ThreadSlotsUsed(), slots);
  EXPECT_LT(slots, 1000u) << "no more than there were threads at one time";
}

// A thread that has allocated loses its slot in the first round of its key destructors. `late` runs
// after that, in each round. (The keys' destructors run in the order of their creation.)
template <typename Late>
void InDyingThread(Late late) {
  static pthread_key_t key;
  static int rounds_left;
  // All of PTHREAD_DESTRUCTOR_ITERATIONS, but TSan forbids instrumented code in the last one.
  rounds_left = AFTERLEAK_SANITIZED ? 3 : 4;
  const auto destructor = [](void* arg) {
    (*static_cast<Late*>(arg))();
    if (--rounds_left > 0) pthread_setspecific(key, arg);
  };
  ASSERT_EQ(pthread_key_create(&key, destructor), 0);
  InThread([&] {
    Give(Take(5));
    pthread_setspecific(key, &late);
  });
  pthread_key_delete(key);
  ASSERT_EQ(rounds_left, 0);
}

TEST_F(HeapProcess, CountsInEveryRoundOfAThreadsLastDestructorsAndLosesNoStorage) {
  InThread([] { Give(Take(5)); });
  const uint32_t slots = internal::ThreadSlotsUsed();
  const Usage before = Process();
  int64_t calls = 0;
  for (int i = 0; i < 100; ++i) {
    InDyingThread([&] { Give(Take(5)), ++calls; });
  }
  const Usage after = Process();
  EXPECT_EQ(after.total_blocks, before.total_blocks + calls + 100);
  EXPECT_EQ(after.total_bytes, before.total_bytes + 5 * (calls + 100));
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  EXPECT_EQ(after.live_bytes, before.live_bytes);
  EXPECT_EQ(internal::ThreadSlotsUsed(), slots);
}

TEST_F(HeapProcess, WhatADyingThreadTakesIsInThePeak) {
  const Ballast ballast;
  const int64_t top = Process().live_bytes + 1'000'000;
  InDyingThread([] { Give(Take(1'000'000)); });
  EXPECT_GE(Process().peak_bytes, top - 2 * 4096);
}

TEST_F(HeapProcess, ADyingThreadAndTheHeirOfItsSlotLoseNoCount) {
  const Usage before = Process();
  int64_t calls = 0;
  const auto work = [](void*) -> void* {
    for (int i = 0; i < 100'000; ++i) Give(Take(1));
    return nullptr;
  };
  InDyingThread([&] {
    pthread_t heir;
    if (pthread_create(&heir, nullptr, work, nullptr) != 0) std::abort();
    work(nullptr);
    pthread_join(heir, nullptr);
    ++calls;
  });
  const Usage after = Process();
  EXPECT_EQ(after.total_blocks, before.total_blocks + 200'000 * calls + 1);
  EXPECT_EQ(after.live_blocks, before.live_blocks);
}

TEST_F(HeapProcess, ADyingThreadAndTheFirstOneLoseNoCount) {
  constexpr int kEach = 1'000'000;
  const Usage before = Process();
  static std::atomic<bool> ended;
  ended = false;
  const auto outer = [](void*) -> void* {
    InDyingThread([] {
      for (int i = 0; i < kEach; ++i) internal::OnDelete(1, internal::OnNew(1));
    });
    ended = true;
    return nullptr;
  };
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, nullptr, outer, nullptr), 0);
  int64_t here = 0;
  for (; !ended; ++here) internal::OnDelete(1, internal::OnNew(1));
  pthread_join(thread, nullptr);
  const int64_t rounds = AFTERLEAK_SANITIZED ? 3 : 4;
  const Usage after = Process();
  EXPECT_EQ(after.total_blocks, before.total_blocks + here + rounds * kEach + 1);
  EXPECT_EQ(after.total_bytes, before.total_bytes + here + rounds * kEach + 5);
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  EXPECT_EQ(after.live_bytes, before.live_bytes);
}

// --- Scope ---

TEST_F(HeapScope, PeakIsExact) {
  Scope scope;
  void* one = Take(3);
  void* two = Take(5);
  Give(one);
  void* three = Take(2);
  EXPECT_EQ(scope.usage(), (Usage{2, 7, 8, 3, 10}));
  Give(two);
  Give(three);
  EXPECT_EQ(scope.usage(), (Usage{0, 0, 8, 3, 10}));
}

TEST_F(HeapScope, IgnoresTheFreeingOfOlderBlocks) {
  void* older = Take(10);
  Scope scope;
  Give(older);
  EXPECT_EQ(scope.usage(), Usage{});
}

TEST_F(HeapScope, IgnoresOtherThreadsButForTheirFreeingOfItsBlocks) {
  Scope scope;
  void* block = Take(10);
  void* foreign = nullptr;
  InThread([&] { foreign = Take(20); });
  EXPECT_EQ(scope.usage(), Live(1, 10));
  InThread([&] { Give(block); });
  EXPECT_EQ(scope.usage(), Gone(1, 10));
  Give(foreign);
  EXPECT_EQ(scope.usage(), Gone(1, 10));
}

TEST_F(HeapScope, ASuspendedThreadChargesNothingYetItsFreesOfTheScopesBlocksCount) {
  const Usage before = Process();
  Scope scope;
  void* block = Take(10);
  {
    Scope::Suspend unseen;
    void* harness = Take(1000);
    EXPECT_EQ(Process().live_bytes, before.live_bytes + 1010);
    Give(harness);
    EXPECT_EQ(scope.usage(), Live(1, 10));
    Give(block);
    EXPECT_EQ(scope.usage(), Gone(1, 10));
  }
  Give(Take(10));
  EXPECT_EQ(scope.usage(), (Usage{0, 0, 10, 2, 20}));
}

TEST_F(HeapScope, AnOuterScopeIncludesItsInnerOnesEvenAfterTheirEnd) {
  Scope outer;
  void* of_outer = Take(1);
  void* of_inner;
  {
    Scope inner;
    of_inner = Take(2);
    Give(of_outer);
    EXPECT_EQ(inner.usage(), Live(1, 2));
    EXPECT_EQ(outer.usage(), (Usage{1, 2, 3, 2, 3}));
  }
  Scope next;  // must not be taken for `inner`, whose block lives on
  EXPECT_EQ(outer.usage(), (Usage{1, 2, 3, 2, 3}));
  Give(of_inner);
  EXPECT_EQ(outer.usage(), (Usage{0, 0, 3, 2, 3}));
  EXPECT_EQ(next.usage(), Usage{});
}

TEST_F(HeapScope, ABlockMayOutliveAllItsScopesAndBeFreedAnywhere) {
  void* here;
  void* there;
  {
    Scope outer;
    Scope inner;
    here = Take(1);
    there = Take(1);
  }
  Scope next;
  Scope after_next;
  Give(here);
  InThread([&] { Give(there); });
  EXPECT_EQ(next.usage(), Usage{});
  EXPECT_EQ(after_next.usage(), Usage{});
}

TEST_F(HeapScope, RecordsAreReused) {
  {
    Scope outer;
    Scope inner;
  }
  const uint32_t records = internal::ScopeRecordsUsed();
  for (int i = 0; i < 10'000; ++i) {
    void* block;
    ScopeRef ref;
    {
      Scope outer;
      Scope inner;
      block = Take(1);
      ref = CurrentScope();
      ref = ScopeRef(ref);
    }
    Give(block);
  }
  EXPECT_EQ(internal::ScopeRecordsUsed(), records);
}

TEST_F(HeapScope, TooManyAreRefusedUntilTheirBlocksAreFreed) {
  std::vector<void*> blocks;
  blocks.reserve(Scope::kMaxScopes);
  EXPECT_THROW(
      for (;;) {
        Scope scope;
        blocks.push_back(Take(1));
      },
      std::length_error);
  EXPECT_EQ(blocks.size(), Scope::kMaxScopes);
  for (void* block : blocks) Give(block);
  Scope scope;
  Give(Take(1));
  EXPECT_EQ(scope.usage(), Gone(1, 1));
}

TEST_F(HeapScope, EndingOutOfOrderAborts) {
  auto out_of_order = [] {
    std::optional<Scope> outer(std::in_place);
    Scope inner;
    outer.reset();
  };
  EXPECT_DEATH(out_of_order(), "reverse order");
}

// --- Adopt ---

TEST_F(HeapScope, AThreadThatAdoptsItIsChargedToItUntilItStops) {
  Scope scope;
  const ScopeRef ref = CurrentScope();
  void* block = nullptr;
  InThread([&] {
    Give(Take(100));
    {
      Adopt adopt(ref);
      block = Take(10);
    }
    Give(Take(1000));
  });
  EXPECT_EQ(scope.usage(), Live(1, 10));
  Give(block);
}

TEST_F(HeapScope, AScopeOpenedByAnAdopterCountsInTheAdoptedOne) {
  Scope scope;
  InThread([ref = CurrentScope()] {
    Adopt adopt(ref);
    Scope inner;
    Give(Take(10));
    EXPECT_EQ(inner.usage(), Gone(1, 10));
  });
  EXPECT_EQ(scope.usage(), Gone(1, 10));
}

TEST_F(HeapScope, MayEndBeforeItsAdoptersDo) {
  Scope outer;
  std::optional<Scope> inner(std::in_place);
  ScopeRef ref = CurrentScope();
  inner.reset();
  Scope next;  // must not get the record that `ref` keeps
  InThread([&] {
    Adopt adopt(std::move(ref));
    Give(Take(10));
  });
  EXPECT_EQ(next.usage(), Usage{});
  EXPECT_EQ(outer.usage(), Gone(1, 10));
}

TEST_F(HeapScope, AdoptingNoScopeChargesNone) {
  Scope scope;
  {
    Adopt adopt{ScopeRef()};
    Give(Take(10));
  }
  {
    Scope::Suspend unseen;
    Adopt adopt(CurrentScope());
    Give(Take(10));
  }
  EXPECT_EQ(scope.usage(), Usage{});
}

// --- All of it ---

TEST_F(Heap, FourThreadsThatFreeEachOthersBlocksEndWithNothingLive) {
  constexpr int kThreads = 4, kRounds = 50'000;
  static std::array<std::atomic<void*>, 64> mailboxes;
  const Usage before = Process();
  {
    Scope scope;
    struct Worker {
      ScopeRef scope;
      unsigned seed;
      pthread_t thread;
    };
    std::array<Worker, kThreads> workers;
    for (unsigned i = 0; i < kThreads; ++i) {
      workers[i].scope = CurrentScope();
      workers[i].seed = i;
      const auto work = [](void* arg) -> void* {
        auto* self = static_cast<Worker*>(arg);
        std::minstd_rand random(self->seed);
        Adopt adopt(self->scope);
        for (int round = 0; round < kRounds; ++round) {
          Scope inner;
          auto& mailbox = mailboxes[random() % mailboxes.size()];
          Give(mailbox.exchange(Take(random() % 300)));
        }
        return nullptr;
      };
      ASSERT_EQ(pthread_create(&workers[i].thread, nullptr, work, &workers[i]), 0);
    }
    for (Worker& worker : workers) pthread_join(worker.thread, nullptr);
    for (auto& mailbox : mailboxes) Give(mailbox.exchange(nullptr));
    EXPECT_EQ(scope.usage().live_blocks, 0);
    EXPECT_EQ(scope.usage().live_bytes, 0);
    EXPECT_EQ(scope.usage().total_blocks, kThreads * kRounds);
  }
  const Usage after = Process();
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  EXPECT_EQ(after.live_bytes, before.live_bytes);
  EXPECT_EQ(after.total_blocks, before.total_blocks + kThreads * kRounds);
}

// A record is given back while the next one is in use, so the free ones come in any order.
TEST_F(HeapScope, NoTwoOfSeveralThreadsHaveOneRecord) {
  constexpr int kThreads = 4, kRounds = AFTERLEAK_SANITIZED ? 50'000 : 1'000'000;
  static std::atomic<int> wrong;
  const uint32_t records = internal::ScopeRecordsUsed();
  const auto work = [](void*) -> void* {
    for (int round = 0; round < kRounds; ++round) {
      ScopeRef ended;
      {
        Scope scope;
        ended = CurrentScope();
      }
      Scope scope;
      void* const block = Take(1);
      ended = ScopeRef();
      if (scope.usage() != Live(1, 1)) ++wrong;
      Give(block);
      if (scope.usage() != Gone(1, 1)) ++wrong;
    }
    return nullptr;
  };
  std::array<pthread_t, kThreads> threads;
  for (pthread_t& thread : threads) ASSERT_EQ(pthread_create(&thread, nullptr, work, nullptr), 0);
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  EXPECT_EQ(wrong, 0);
  EXPECT_LT(internal::ScopeRecordsUsed(), records + 100) << "and none is lost";
}

// Knows the scopes that each live block belongs to, and recomputes everything else.
struct NaiveModel {
  struct Block {
    int64_t bytes;
    std::vector<int> scopes;
  };
  std::map<void*, Block> live;
  std::vector<int> open;  // numbers of the open scopes, outermost first
  std::map<int, Usage> usage;
  int scopes_ever = 0;

  void Open() {
    open.push_back(scopes_ever);
    usage[scopes_ever++] = {};
  }
  void Take(void* block, int64_t bytes, bool charged) {
    live[block] = {bytes, charged ? open : std::vector<int>()};
    for (const int scope : live[block].scopes) {
      usage[scope].total_blocks += 1;
      usage[scope].total_bytes += bytes;
    }
  }
  void Recount() {
    for (auto& [scope, counts] : usage) {
      counts.live_blocks = counts.live_bytes = 0;
      for (const auto& [_, block] : live) {
        if (std::find(block.scopes.begin(), block.scopes.end(), scope) == block.scopes.end())
          continue;
        counts.live_blocks += 1;
        counts.live_bytes += block.bytes;
      }
      counts.peak_bytes = std::max(counts.peak_bytes, counts.live_bytes);
    }
  }
};

TEST_F(Heap, ARandomProgramAgreesWithANaiveModel) {
  const char* given = std::getenv("AFTERLEAK_SEED");
  const auto seed = given ? static_cast<unsigned>(std::atoll(given)) : std::random_device()();
  std::printf("AFTERLEAK_SEED=%u\n", seed);
  std::fflush(stdout);
  std::minstd_rand random(seed);

  NaiveModel model;
  std::array<std::optional<Scope>, 5> scopes;
  const Usage before = Process();
  for (int step = 0; step < 20'000 && !HasFailure(); ++step) {
    const size_t depth = model.open.size();
    const auto choice = random() % 100;
    const bool elsewhere = random() % 50 == 0;
    if (choice < 3 && depth < scopes.size()) {
      scopes[depth].emplace();
      Scope::Suspend unseen;
      model.Open();
    } else if (choice < 6 && depth > 0) {
      scopes[depth - 1].reset();
      model.usage.erase(model.open.back());
      model.open.pop_back();
    } else if (choice < 60 && model.live.size() < 100) {
      const size_t bytes = random() % 3000;
      const auto alignment = std::align_val_t{size_t{1} << random() % 9};
      const bool charged = random() % 4 != 0;
      void* block = nullptr;
      const auto take = [&, ref = CurrentScope()] {
        std::optional<Scope::Suspend> unseen;
        std::optional<Adopt> adopt;
        charged ? void(adopt.emplace(ref)) : void(unseen.emplace());
        block = ::operator new(bytes, alignment);
      };
      elsewhere ? InThread(take) : take();
      Scope::Suspend unseen;
      model.Take(block, static_cast<int64_t>(bytes), charged);
    } else if (!model.live.empty()) {
      const auto victim =
          std::next(model.live.begin(), static_cast<long>(random() % model.live.size()));
      void* block = victim->first;
      model.live.erase(victim);
      elsewhere ? InThread([&] { Give(block); }) : Give(block);
    }
    Scope::Suspend unseen;
    model.Recount();
    for (size_t i = 0; i < model.open.size(); ++i) {
      EXPECT_EQ(scopes[i]->usage(), model.usage[model.open[i]])
          << "scope " << i << ", step " << step;
    }
  }
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope) scope->reset();
  for (const auto& [block, _] : model.live) Give(block);
  model = {};
  const Usage after = Process();
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  EXPECT_EQ(after.live_bytes, before.live_bytes);
}

}  // namespace
}  // namespace afterleak::heap
