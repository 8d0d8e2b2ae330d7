// The ledger of the event loops, and what the sources tell it: without a library.
#include "afterleak/loops/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <deque>
#include <fstream>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/keeper.h"
#include "afterleak/census/symbols.h"
#include "afterleak/loops/loops.h"
#include "afterleak/loops/timers.h"
#include "tests/support/loop_census.h"

namespace afterleak::loops::internal {
namespace {

using afterleak::internal::BeginningOf;
using afterleak::internal::CallStack;
using afterleak::internal::keeper;
using afterleak::internal::Keeper;
using afterleak::internal::kMostFrames;
using afterleak::internal::kOwnPages;
using testing::ElementsAreArray;
using namespace std::chrono_literals;

// Nobody asks the kernel about the timers of these two.
constexpr Library kLibrary = Library::kLibuv;
constexpr Library kOther = Library::kLibev;

constexpr LoopTimer kOwned = MakeLoopTimer(kLibrary, "arm", false, "stop it", "make", "free it");
constexpr LoopTimer kRepeating =
    MakeLoopTimer(kLibrary, "repeat", true, "stop it", "make", "free it");
constexpr LoopTimer kUnowned = MakeUnownedTimer(kLibrary, "arm unowned", false, "stop it");
constexpr LoopTimer kUnownedToo = MakeUnownedTimer(kLibrary, "arm unowned too", false, "stop it");

[[gnu::noinline]] const void* Here() {
  return __builtin_extract_return_addr(__builtin_return_address(0));
}
void Arm(const LoopTimer& timer, Key key, void* data = nullptr) {
  Armed(timer, key, 1h, Here(), data);
}
void ArmAt(std::uintptr_t address, const LoopTimer& timer, Key key) {
  Armed(timer, key, 1h, std::span<const std::uintptr_t>(&address, 1));
}
void Stop(Key key) { Stopped(kLibrary, key); }

// While it lives, memory comes from there.
class From {
 public:
  explicit From(const Keeper& other) { keeper = &other; }
  ~From() { keeper = &kOwnPages; }
  From(const From&) = delete;
  From& operator=(const From&) = delete;
};
constexpr auto kGiveBack = [](void* pages, std::size_t bytes) {
  kOwnPages.give_back(pages, bytes);
};

class TheLedger : public test::LoopCensus {
 protected:
  static Ledger& ledger() { return Ledger::Get(); }
  static Object& ObjectOf(Key key) { return *ledger().objects(kLibrary).Find(key); }
  std::int64_t NotRecorded() const { return Unrecorded() - unrecorded_; }

 private:
  const std::int64_t unrecorded_ = Unrecorded();
};

TEST_F(TheLedger, WhatIsMadeOrArmedTwiceIsOne) {
  EXPECT_FALSE(IsLive(kLibrary, 1)) << "nobody knows it";
  for (int i = 0; i < 2; ++i) Made(kOwned, 1, Here());
  EXPECT_EQ(Idle(), 1);
  for (int i = 0; i < 2; ++i) Arm(kOwned, 1);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Idle(), 0);
  Made(kOwned, 1, Here());
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Idle(), 0);
  Freed(kLibrary, 1);
}

TEST_F(TheLedger, WhatIsPutOffIsArmedAgainAndKeepsItsSite) {
  const auto put_off = [](const LoopTimer& timer, Duration timeout, void* data = nullptr) {
    return PutOff(timer, 1, timeout, data);
  };
  const auto deadline = [] { return ledger().census().DeadlineOf(ObjectOf(1).ticket); };
  int data = 0;
  EXPECT_FALSE(put_off(kOwned, 1h)) << "nobody knows it";
  Made(kOwned, 1, Here());
  EXPECT_FALSE(put_off(kOwned, 1h)) << "it is idle";
  Arm(kOwned, 1);
  const Time first = deadline();
  EXPECT_FALSE(put_off(kRepeating, 2h, &data)) << "that would be another kind";
  EXPECT_EQ(deadline(), first);
  EXPECT_EQ(DataOf(kLibrary, 1), nullptr);
  EXPECT_EQ(Armed(), 1);
  const CallStack& born = ledger().BornAt(ObjectOf(1));
  EXPECT_TRUE(put_off(kOwned, 2h, &data));
  EXPECT_GE(deadline(), first + 1h);
  EXPECT_EQ(DataOf(kLibrary, 1), &data);
  EXPECT_EQ(&ledger().BornAt(ObjectOf(1)), &born);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_TRUE(put_off(kOwned, kNever));
  EXPECT_EQ(deadline(), Time::max());
  Freed(kLibrary, 1);
}

TEST_F(TheLedger, WhatATimerHoldsOnTheHeapIsNotKnown) {
  Made(kOwned, 1, Here());
  EXPECT_EQ(loops::Totals(Resource::kIdle).live_bytes, 0);
  Arm(kOwned, 1);
  EXPECT_EQ(loops::Totals().live_bytes, 0);
  Stop(1);
  EXPECT_EQ(loops::Totals(Resource::kIdle).live_bytes, 0);
  Freed(kLibrary, 1);
}

TEST_F(TheLedger, EveryLibraryThatIsNotThereIsKnown) {
  for (int i = 0; i < kLibraries; ++i) {
    const auto library = static_cast<Library>(i);
    EXPECT_TRUE(IsKnown(library)) << loops::ToString(library);
  }
}

TEST_F(TheLedger, WhatOughtToHaveFiredHasWhereItsOwnerCannotBeAsked) {
  Arm(kOwned, 1);
  Arm(kRepeating, 2);
  Made(kOwned, 3, Here());
  internal::Armed(kOwned, 4, 2h, Here());
  Arm(kOwned, 5);
  Freed(kLibrary, 5);
  const Time due = ledger().census().DeadlineOf(ObjectOf(1).ticket);
  ledger().FireOverdue(kLibrary, due);
  EXPECT_EQ(Fired(), 0) << "it is due now";
  ledger().FireOverdue(kOther, due + 1s);
  EXPECT_EQ(Fired(), 0);
  ledger().FireOverdue(kLibrary, due + 1s);
  EXPECT_EQ(Fired(), 1);
  EXPECT_FALSE(IsLive(kLibrary, 1));
  EXPECT_TRUE(IsLive(kLibrary, 2)) << "it fires again";
  EXPECT_TRUE(IsLive(kLibrary, 4));
  EXPECT_EQ(Idle(), 2);
  for (Key key = 1; key <= 4; ++key) Freed(kLibrary, key);
}

TEST_F(TheLedger, ThoseOfOneKindAndLoopAreFreedWithIt) {
  int loop = 0, other_loop = 0;
  Arm(kUnowned, 1, &loop);
  Arm(kUnowned, 2, &other_loop);
  Arm(kUnownedToo, 3, &loop);
  Arm(kUnowned, 4, &loop);
  static std::set<Key> freed;
  freed.clear();
  FreedAll(kUnowned, &loop, [](Key key) { freed.insert(key); });
  EXPECT_EQ(freed, (std::set<Key>{1, 4}));
  EXPECT_EQ(Stopped(), 2);
  EXPECT_EQ(Live(), 2);
  Freed(kLibrary, 2);
  Freed(kLibrary, 3);
}

TEST_F(TheLedger, OnlyThoseThatAreLiveAreAskedAbout) {
  Arm(kOwned, 1);
  Arm(kOwned, 2);
  Arm(kOwned, 3);
  Made(kOwned, 4, Here());
  static std::set<Key> asked;
  asked.clear();
  Ask(kLibrary, [](Key key, const void*) {
    asked.insert(key);
    return key == 2 ? State::kPending : key == 3 ? State::kGone : State::kFired;
  });
  EXPECT_EQ(asked, (std::set<Key>{1, 2, 3}));
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Idle(), 2);
  EXPECT_FALSE(IsKnown(kLibrary, 3));
  for (const Key key : {1u, 2u, 4u}) Freed(kLibrary, key);
}

TEST_F(TheLedger, WhatIsLiveIsInUseOfTheLineThatMadeIt) {
  const auto in_use = [] {
    std::int64_t count = 0;
    for (const InUse& object : ObjectsInUse()) count += object.kind == "make" ? object.count : 0;
    return count;
  };
  Made(kOwned, 1, Here());
  Arm(kUnowned, 2);
  EXPECT_EQ(in_use(), 0);
  Arm(kOwned, 1);
  Arm(kOwned, 3);
  EXPECT_EQ(in_use(), 2);
  for (Key key = 1; key <= 3; ++key) Freed(kLibrary, key);
}

TEST_F(TheLedger, APeakIsThatOfItsWindow) {
  static constexpr LoopTimer kOfThisTest = MakeUnownedTimer(kLibrary, "arm", false, "stop it");
  using Peaks = std::pair<std::int64_t, std::int64_t>;
  const auto peaks = [] {
    Peaks ever_and_now;
    for (const CensusCount::At& at : ledger().census().Count(LedgerNow()).sites) {
      if (at.kind != &kOfThisTest.live) continue;
      ever_and_now.first += at.counted.peak_live;
      ever_and_now.second += at.counted.window_peak_live;
    }
    return ever_and_now;
  };
  for (Key key = 1; key <= 3; ++key) Arm(kOfThisTest, key);
  Stop(1);
  Stop(2);
  EXPECT_EQ(peaks(), Peaks(3, 3));
  loops::NextWindow();
  EXPECT_EQ(peaks(), Peaks(3, 1));
  Stop(3);
}

class UnitsOfWork : public TheLedger {
 protected:
  // Some time from now.
  static std::int64_t LeftBehind() {
    std::int64_t left = 0;
    for (const CensusCount::At& at : ledger().census().Count(LedgerNow() + 1h).sites)
      left += at.counted.left_behind;
    return left;
  }
};

TEST_F(UnitsOfWork, WhatAUnitArmsIsLeftBehindWhenThatHasEnded) {
  Arm(kUnowned, 1);
  const std::int64_t ended = ledger().census().works().ended();
  const Work outer = BeginWork();
  Arm(kUnowned, 2);
  const Work inner = BeginWork();
  Arm(kUnowned, 3);
  Arm(kUnowned, 4);
  EXPECT_EQ(LeftBehind(), 0);
  EndWork(inner);
  EXPECT_EQ(LeftBehind(), 2);
  Arm(kUnowned, 5);  // it is of the outer one again
  EXPECT_EQ(SwitchWork(0), outer);
  Arm(kUnowned, 6);
  EndWork(outer);
  EXPECT_EQ(LeftBehind(), 4);
  EndWork(outer);
  EndWork(12345);
  EXPECT_EQ(ledger().census().works().ended() - ended, 2);
  SwitchWork(outer);
  Arm(kUnowned, 7);
  EXPECT_EQ(LeftBehind(), 4) << "that was over before";
  SwitchWork(0);
  for (Key key = 1; key <= 7; ++key) Freed(kLibrary, key);
}

TEST_F(UnitsOfWork, WhatAUnitPutsOffIsLeftBehindByIt) {
  Arm(kUnowned, 1);
  const Work work = BeginWork();
  EXPECT_TRUE(PutOff(kUnowned, 1, 1h));
  EndWork(work);
  EXPECT_EQ(LeftBehind(), 1);
  EXPECT_TRUE(PutOff(kUnowned, 1, 1h));
  EXPECT_EQ(LeftBehind(), 0) << "of no unit now";
  Freed(kLibrary, 1);
}

// The callback, which jumped, and then the same stack, as far as there is room.
[[gnu::noinline]] int ExpectTheStackOfAJump(int depth, const void* caller) {
  if (depth > 0) {
    const int deeper = ExpectTheStackOfAJump(depth - 1, caller);
    asm volatile("");  // so this is no loop
    return deeper + 1;
  }
  const auto* const callback = reinterpret_cast<const void*>(&ExpectTheStackOfAJump);
  std::vector<std::span<const std::uintptr_t>> stacks;
  for (const Caller& each : std::vector<Caller>{caller, Caller::Jumped(caller, callback)}) {
    Armed(kOwned, 1, 1h, each);
    stacks.push_back(Ledger::Get().BornAt(*Ledger::Get().objects(kLibrary).Find(1)).frames);
    Freed(kLibrary, 1);
  }
  EXPECT_EQ(stacks[1].front(), BeginningOf(reinterpret_cast<std::uintptr_t>(callback)));
  const std::size_t most = std::min<std::size_t>(stacks[0].size(), kMostFrames - 1);
  EXPECT_THAT(stacks[1].subspan(1), ElementsAreArray(stacks[0].first(most)));
  return 0;
}

TEST_F(TheLedger, ACallbackThatJumpedIsPutOnTheStack) {
  ExpectTheStackOfAJump(0, Here());
  ExpectTheStackOfAJump(2 * kMostFrames, nullptr);  // it is not found: so this is the whole stack
}

TEST(ToDuration, IsExactAndForeverWhereItHasNoRoom) {
  EXPECT_EQ(ToDuration(1, 5), 1s + 5ns);
  EXPECT_EQ(ToDuration(5'000'000'000, 0), 5'000'000'000s);
  EXPECT_EQ(ToDuration(kNever / 1s, 999'999'999), kNever);
  EXPECT_EQ(ToDuration(INT64_MAX, 0), kNever);
}

// Until the thread or process waits for something, or `done`.
void UntilItSleeps(const std::atomic<pid_t>& thread, const auto& done) {
  const auto sleeps = [&] {
    std::ifstream file("/proc/" + std::to_string(thread) + "/stat");
    std::string line;
    std::getline(file, line);
    const std::size_t name_end = line.rfind(") ");
    return name_end != std::string::npos && line[name_end + 2] == 'S';
  };
  while (!done() && (thread == 0 || !sleeps())) std::this_thread::yield();
}

TEST(LedgerNow, IsOfTheCoarseClock) {
  const auto coarse = [] {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return 1s * now.tv_sec + 1ns * now.tv_nsec;
  };
  const auto before = coarse();
  const Duration now = LedgerNow().time_since_epoch();
  EXPECT_LE(before, now);
  EXPECT_LE(now, coarse());
}

TEST_F(TheLedger, IsNotInTheMiddleOfAChangeWhereTheProcessForks) {
  std::atomic<pid_t> thread = 0;
  std::atomic<bool> has_forked = false;
  int status = -1;
  ledger().mutex().lock();
  std::thread forks([&] {
    thread = gettid();
    const pid_t child = fork();
    if (child == 0) _exit(loops::Totals().Conserved() ? 0 : 1);
    has_forked = true;
    waitpid(child, &status, 0);
  });
  UntilItSleeps(thread, [&] { return has_forked.load(); });
  EXPECT_FALSE(has_forked) << "while another thread changes it";
  ledger().mutex().unlock();
  forks.join();
  EXPECT_EQ(status, 0);
}

TEST(LedgerMutex, IsWaitedForAsLongAsOneIsPatient) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "SKIPPED: ThreadSanitizer does not know pthread_mutex_clocklock";
#endif
  LedgerMutex mutex;
  for (const Duration patience : {Duration(1h), Duration(1h + 1s)}) {
    EXPECT_TRUE(mutex.TryLockFor(patience));
    std::atomic<pid_t> thread = 0;
    std::atomic<bool> is_over = false;
    std::thread waits([&] {
      EXPECT_FALSE(mutex.TryLockFor(1ms));
      thread = gettid();
      const bool is_locked = mutex.TryLockFor(patience);
      is_over = true;
      EXPECT_TRUE(is_locked);
      if (is_locked) mutex.unlock();
    });
    UntilItSleeps(thread, [&] { return is_over.load(); });
    mutex.unlock();
    waits.join();
  }
}

constexpr Keeper kShared = {.take = [](std::size_t bytes) { return kOwnPages.take(bytes); },
                            .give_back = kGiveBack,
                            .note_code = nullptr,
                            .shared = true};

TEST(LedgerMutex, IsFreeWhenAProcessThatHasItDies) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "SKIPPED: ThreadSanitizer does not know pthread_mutex_clocklock";
#endif
  void* const memory =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const From shared(kShared);
  auto& mutex = *new (memory) LedgerMutex;
  // It waits until we let go.
  const auto another_takes_it_and_dies = [&] {
    mutex.lock();
    const std::atomic<pid_t> child = fork();
    if (child == 0) {
      mutex.lock();
      _exit(0);
    }
    UntilItSleeps(child, [] { return false; });
    mutex.unlock();
    waitpid(child, nullptr, 0);
  };
  for (int i = 0; i < 2; ++i) {
    another_takes_it_and_dies();
    EXPECT_TRUE(mutex.TryLockFor(1h));
    mutex.unlock();
    another_takes_it_and_dies();
    mutex.lock();
    mutex.unlock();
    EXPECT_TRUE(mutex.TryLockFor(1h)) << "as before";
    mutex.unlock();
  }
  munmap(memory, 4096);
}

// What it gives is noted.
std::vector<std::span<const char>> taken;
constexpr Keeper kNoted = {.take =
                               [](std::size_t bytes) {
                                 void* const pages = kOwnPages.take(bytes);
                                 taken.emplace_back(static_cast<const char*>(pages), bytes);
                                 return pages;
                               },
                           .give_back = kGiveBack,
                           .note_code = nullptr,
                           .shared = true};

TEST_F(TheLedger, KeepsTheWordsOfAKindWhereAnotherProcessReadsThem) {
  static std::string words = "arm stop make free";
  const std::string_view all = words;
  static const LoopTimer timer = MakeLoopTimer(kLibrary, all.substr(0, 3), false, all.substr(4, 4),
                                               all.substr(9, 4), all.substr(14, 4));
  taken.clear();
  {
    const From noted(kNoted);
    Arm(timer, 1);
  }
  std::ranges::fill(words, '?');
  const LoopTimer& kept = ledger().TimerOf(ObjectOf(1));
  const std::pair<std::string_view, const char*> texts[] = {{kept.live.name, "arm"},
                                                            {kept.live.cure, "stop"},
                                                            {kept.idle.name, "make"},
                                                            {kept.idle.cure, "free"}};
  for (const auto& [text, expected] : texts) {
    EXPECT_EQ(text, expected);
    EXPECT_TRUE(std::ranges::any_of(taken, [&](std::span<const char> memory) {
      return text.data() >= memory.data() &&
             text.data() + text.size() <= memory.data() + memory.size();
    })) << text;
  }
  Freed(kLibrary, 1);
}

// Each timer of a loop is kept by that, so nobody can say that it is abandoned.
TEST_F(TheLedger, TellsManyKindsApart) {
  static std::deque<LoopTimer> timers;  // until the process ends
  while (timers.size() < 60) {
    timers.push_back(MakeLoopTimer(kLibrary, "arm", false, "stop it", "make", "free it"));
    timers.push_back(MakeUnownedTimer(kLibrary, "arm", false, "stop it"));
  }
  std::set<std::uint32_t> numbers;
  for (const LoopTimer& timer : timers) numbers.insert(ledger().NumberOf(timer));
  EXPECT_EQ(numbers.size(), timers.size());
  Key key = 0;
  for (const LoopTimer& timer : timers) {
    EXPECT_TRUE(numbers.contains(ledger().NumberOf(timer)));
    Arm(timer, ++key);
    EXPECT_EQ(&ledger().TimerOf(ObjectOf(key)), &timer);
  }
  EXPECT_EQ(loops::Totals().rooted, loops::Totals().live);
  for (Key each = 1; each <= key; ++each) Stop(each);
  EXPECT_EQ(Idle(), 30);
  EXPECT_EQ(loops::Totals(Resource::kIdle).rooted, loops::Totals(Resource::kIdle).live);
  for (Key each = 1; each <= key; ++each) Freed(kLibrary, each);
}

// Where memory is short: every other time there is none, or there is none any more.
constexpr Keeper kEveryOtherTime = {.take = [](std::size_t bytes) -> void* {
                                      static bool given = true;
                                      given = !given;
                                      return given ? kOwnPages.take(bytes) : nullptr;
                                    },
                                    .give_back = kGiveBack,
                                    .note_code = nullptr,
                                    .shared = false};
constexpr Keeper kNothing = {.take = [](std::size_t) -> void* { return nullptr; },
                             .give_back = kGiveBack,
                             .note_code = nullptr,
                             .shared = false};

constexpr Keeper kNothingShared = {
    .take = kNothing.take, .give_back = kGiveBack, .note_code = nullptr, .shared = true};

class WithoutMemory : public TheLedger {
 protected:
  // Each is armed at a stack that no other has, and to which nothing leads.
  static constexpr Key kTimers = 600;
  static void ArmAll(const LoopTimer& timer) {
    for (Key key = 1; key <= kTimers; ++key) ArmAtItsOwn(timer, key);
  }
  static void ArmAtItsOwn(const LoopTimer& timer, Key key) { ArmAt(16 * key, timer, key); }

  // Nothing else was lost, and nothing is counted that is not known.
  void ExpectOnlyIsLost(Key key) {
    EXPECT_EQ(NotRecorded(), 1);
    EXPECT_FALSE(IsKnown(kLibrary, key));
    EXPECT_EQ(Live() + Idle(), static_cast<std::int64_t>(kTimers) - 1);
    for (Key each = 1; each <= kTimers; ++each) Freed(kLibrary, each);
  }
};

TEST_F(WithoutMemory, ATimerIsCountedOrNotAtAll) {
  constexpr Key kMany = 20'000;
  {
    const From scarce(kEveryOtherTime);
    for (Key key = 1; key <= kMany; ++key) Arm(kOwned, key);
    for (Key key = kMany + 1; key <= 2 * kMany; ++key) Made(kOwned, key, Here());
  }
  std::int64_t known = 0;
  for (Key key = 1; key <= 2 * kMany; ++key) known += IsKnown(kLibrary, key);
  EXPECT_LT(known, static_cast<std::int64_t>(2 * kMany));
  EXPECT_EQ(NotRecorded(), static_cast<std::int64_t>(2 * kMany) - known);
  EXPECT_EQ(Live() + Idle(), known);
  for (Key key = 1; key <= 2 * kMany; ++key) Freed(kLibrary, key);
}

TEST_F(WithoutMemory, AKindThatCannotBeKeptChangesNothing) {
  static const LoopTimer kind = MakeUnownedTimer(kLibrary, "arm otherwise", true, "stop it");
  Arm(kUnowned, 1);
  {
    const From nothing(kNothingShared);
    Arm(kind, 1);
  }
  EXPECT_EQ(NotRecorded(), 1);
  EXPECT_EQ(Live(), 1);
  EXPECT_EQ(Stopped(), 0);
  Stop(1);
  EXPECT_EQ(Stopped(), 1);
}

TEST_F(WithoutMemory, OneThatIsArmedAsAnotherKindIsForgotten) {
  static std::deque<LoopTimer> others;
  for (int i = 0; i < 8; ++i)
    others.push_back(MakeUnownedTimer(kLibrary, "arm otherwise", i % 2 == 0, "stop it"));
  ArmAll(kUnowned);
  const From nothing(kNothing);
  for (const LoopTimer& other : others) {
    for (Key key = 1; key <= kTimers; ++key) {
      ArmAtItsOwn(other, key);
      if (NotRecorded() > 0) return ExpectOnlyIsLost(key);
    }
  }
  FAIL() << "it never ran out of memory";
}

TEST_F(WithoutMemory, OneThatIsStoppedIsForgotten) {
  static std::deque<LoopTimer> others;
  for (int i = 0; i < 8; ++i)
    others.push_back(MakeLoopTimer(kLibrary, "arm otherwise", false, "stop it", "make", "free it"));
  ArmAll(kOwned);
  const From nothing(kNothing);
  for (const LoopTimer& other : others) {
    for (Key key = 1; key <= kTimers; ++key) {
      ArmAtItsOwn(kOwned, key);
      ArmAtItsOwn(other, key);  // it is put off, and will be idle as that
      Stop(key);
      if (NotRecorded() > 0) return ExpectOnlyIsLost(key);
    }
  }
  FAIL() << "it never ran out of memory";
}

TEST_F(WithoutMemory, AUnitOfWorkThatCannotBeginIsNone) {
  std::vector<Work> works;
  {
    const From nothing(kNothing);
    while (works.size() < 1000 && (works.empty() || works.back() != 0))
      works.push_back(BeginWork());
  }
  EXPECT_EQ(works.back(), 0u);
  for (; !works.empty(); works.pop_back()) EndWork(works.back());
  SwitchWork(0);
}

}  // namespace
}  // namespace afterleak::loops::internal
