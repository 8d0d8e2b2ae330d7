#include "afterleak/bubble/timer_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <random>
#include <vector>

namespace afterleak {
namespace {

struct Timer : TimerLink {
  explicit Timer(int name) : id(name) {}
  int id;
};

Time At(std::int64_t nanoseconds) { return Time(Duration(nanoseconds)); }

// A queue, and timers for it, named by the order in which they were armed.
class TimerQueueTest : public testing::Test {
 protected:
  Timer& Arm(Time deadline) {
    Timer& timer = timers_.emplace_back(static_cast<int>(timers_.size()));
    queue_.Arm(timer, deadline);
    return timer;
  }
  Timer& Arm(std::int64_t deadline) { return Arm(At(deadline)); }

  std::vector<int> PopAllDue(std::int64_t now) {
    std::vector<int> ids;
    while (TimerLink* due = queue_.PopDue(At(now))) ids.push_back(static_cast<Timer*>(due)->id);
    return ids;
  }

  TimerQueue queue_;
  std::deque<Timer> timers_;  // elements stay where they are
};

using Ids = std::vector<int>;

TEST_F(TimerQueueTest, AnEmptyQueueHasNothingDueAndNoDeadline) {
  EXPECT_EQ(queue_.PopDue(At(1000)), nullptr);
  EXPECT_EQ(queue_.PopAny(), nullptr);
  EXPECT_EQ(queue_.NextDeadline(), Time::max());
  EXPECT_TRUE(queue_.empty());
}

TEST_F(TimerQueueTest, TimersLeaveByDeadlineWhateverTheOrderOfArming) {
  for (std::int64_t deadline : {50, 10, 40, 20, 30}) Arm(deadline);
  EXPECT_EQ(PopAllDue(100), (Ids{1, 3, 4, 2, 0}));
}

TEST_F(TimerQueueTest, EqualDeadlinesLeaveInArmingOrder) {
  for (int i = 0; i < 5; ++i) Arm(7);
  EXPECT_EQ(PopAllDue(7), (Ids{0, 1, 2, 3, 4}));
}

TEST_F(TimerQueueTest, EqualDeadlinesKeepArmingOrderWhenArmedAtDifferentInstants) {
  // Seen from each of these instants, 0b1100 is in a different bucket.
  for (std::int64_t now : {0, 7, 8, 11, 12}) {
    PopAllDue(now);
    Arm(12 + 1000);
    Arm(12 + 4096);
    Arm(12 + 1000);
  }
  EXPECT_EQ(PopAllDue(1012), (Ids{0, 2, 3, 5, 6, 8, 9, 11, 12, 14}));
  EXPECT_EQ(PopAllDue(5000), (Ids{1, 4, 7, 10, 13}));
}

TEST_F(TimerQueueTest, ATimerArmedWhileItsInstantIsBeingServedComesLast) {
  Arm(5);
  Arm(5);
  EXPECT_EQ(queue_.PopDue(At(5)), &timers_[0]);
  Arm(5);
  EXPECT_EQ(PopAllDue(5), (Ids{1, 2}));
}

// Timers of one duration are in order in their buckets, which are then not spread. Others come in
// between, some at the same instants, before and after that has happened.
TEST_F(TimerQueueTest, TimersOfOneDurationKeepTheirPlaceAmongOthers) {
  std::multimap<std::int64_t, int> oracle;  // keeps equal keys in the order of arming
  const auto arm = [&](std::int64_t deadline) { oracle.emplace(deadline, Arm(deadline).id); };
  for (std::int64_t now = 0; now < 400'000; now += 10) {
    Ids due;
    for (auto first = oracle.begin(); first != oracle.end() && first->first <= now;
         first = oracle.erase(first))
      due.push_back(first->second);
    ASSERT_EQ(PopAllDue(now), due) << "at " << now;
    arm(now + 100'000);
    if (now % 30 == 0) arm(now + 10);
    if (now > 200'000 && now % 70 == 0) arm(now + 5'000);  // from here on they are not in order
    if (now % 1'000 == 0) {
      queue_.Stop(timers_[oracle.begin()->second]);
      oracle.erase(oracle.begin());
    }
    if (now % 11 == 0) {
      ASSERT_EQ(queue_.NextDeadline(), At(oracle.begin()->first));
    }
  }
}

TEST_F(TimerQueueTest, NothingLeavesBeforeItsDeadline) {
  Arm(1 << 20);
  for (std::int64_t now : {0, 1, 1 << 10, (1 << 20) - 1}) EXPECT_EQ(PopAllDue(now), Ids{}) << now;
  EXPECT_EQ(PopAllDue(1 << 20), Ids{0});
}

TEST_F(TimerQueueTest, APoppedTimerIsNoLongerPendingAndCanBeArmedAgain) {
  Timer& timer = Arm(5);
  EXPECT_TRUE(timer.pending());
  EXPECT_EQ(PopAllDue(5), Ids{0});
  EXPECT_FALSE(timer.pending());
  queue_.Arm(timer, At(6));
  EXPECT_EQ(timer.deadline, At(6));
  EXPECT_EQ(PopAllDue(6), Ids{0});
}

TEST_F(TimerQueueTest, AStoppedTimerNeverLeavesFromWhicheverBucketItIsIn) {
  PopAllDue(1);
  for (int bit = 0; bit < 62; ++bit) {
    const std::int64_t deadline = 1 + (std::int64_t{1} << bit);
    Arm(deadline);
    Timer& stopped = Arm(deadline);
    Arm(deadline);
    queue_.Stop(stopped);
    EXPECT_FALSE(stopped.pending());
  }
  Ids expected;
  for (int i = 0; i < 3 * 62; ++i) {
    if (i % 3 != 1) expected.push_back(i);
  }
  EXPECT_EQ(PopAllDue(std::int64_t{1} << 62), expected);
}

TEST_F(TimerQueueTest, StopOfTheOnlyTimerOfABucketEmptiesIt) {
  for (int bit = 0; bit < 63; ++bit) {
    Timer& only = Arm(std::int64_t{1} << bit);
    queue_.Stop(only);
    EXPECT_EQ(queue_.NextDeadline(), Time::max()) << bit;
    EXPECT_EQ(queue_.PopAny(), nullptr) << bit;
  }
}

TEST_F(TimerQueueTest, NextDeadlineIsExactAfterTheEarliestWasStopped) {
  Timer& first = Arm(1000);
  Timer& second = Arm(1003);
  Timer& twin = Arm(1003);
  Arm(1002);
  Arm(5000);
  EXPECT_EQ(queue_.NextDeadline(), At(1000));
  queue_.Stop(first);
  EXPECT_EQ(queue_.NextDeadline(), At(1002));
  queue_.Stop(timers_[3]);
  EXPECT_EQ(queue_.NextDeadline(), At(1003));
  queue_.Stop(second);
  EXPECT_EQ(queue_.NextDeadline(), At(1003)) << "another timer shares that deadline";
  queue_.Stop(twin);
  EXPECT_EQ(queue_.NextDeadline(), At(5000));
}

TEST_F(TimerQueueTest, NextDeadlineIsExactWhenAnEarlierTimerIsArmedAfterAStop) {
  Timer& first = Arm(100);
  Arm(300);
  queue_.Stop(first);
  Arm(200);  // before anyone asked
  EXPECT_EQ(queue_.NextDeadline(), At(200));
}

TEST_F(TimerQueueTest, ATimerAtTheEndOfTimeIsNeverDue) {
  Timer& never = Arm(Time::max());
  EXPECT_EQ(queue_.NextDeadline(), Time::max());
  EXPECT_EQ(queue_.PopDue(Time::max() - Duration(1)), nullptr);
  EXPECT_EQ(queue_.PopDue(Time::max()), nullptr);
  EXPECT_TRUE(never.pending());
  queue_.Stop(never);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(TimerQueueTest, TheLastInstantBeforeTheEndOfTimeDoesCome) {
  Arm(Time::max() - Duration(1));
  EXPECT_EQ(queue_.PopDue(Time::max()), &timers_[0]);
}

TEST_F(TimerQueueTest, PopAnyTakesEveryTimerOutOnceTheNeverDueToo) {
  for (std::int64_t deadline : {5, 5, 1 << 20}) Arm(deadline);
  Arm(Time::max());
  PopAllDue(3);
  std::vector<bool> taken(timers_.size());
  while (TimerLink* any = queue_.PopAny()) {
    EXPECT_FALSE(any->pending());
    EXPECT_FALSE(taken[static_cast<std::size_t>(static_cast<Timer*>(any)->id)]);
    taken[static_cast<std::size_t>(static_cast<Timer*>(any)->id)] = true;
  }
  EXPECT_EQ(taken, std::vector<bool>(4, true));
  EXPECT_TRUE(queue_.empty());
}

// One random program, run on the queue and on an oracle that is slow and obviously right: a
// std::multimap keeps equal keys in order of insertion.
class RandomProgram {
 public:
  explicit RandomProgram(std::uint64_t seed) : random_(seed), asks_often_(seed % 2 == 0) {
    for (int i = 0; i < 40; ++i) timers_.emplace_back(i);
  }

  void Run() {
    for (int step = 0; step < 150 && !testing::Test::HasFailure(); ++step) {
      switch (Below(5)) {
        case 0:
          Advance();
          break;
        case 1:
          StopOne();
          break;
        default:
          ArmOne();
      }
      ASSERT_EQ(queue_.empty(), oracle_.empty());
      // Asking advances the queue's bookkeeping, so half of the programs rarely ask.
      if (asks_often_ || Below(20) == 0) {
        ASSERT_EQ(queue_.NextDeadline(), OracleNext());
      }
    }
  }

 private:
  using Oracle = std::multimap<Time, Timer*>;

  std::uint64_t Below(std::uint64_t bound) { return random_() % bound; }
  Timer& Any() { return timers_[Below(timers_.size())]; }
  Time OracleNext() const { return oracle_.empty() ? Time::max() : oracle_.begin()->first; }

  // Deadlines that are hard for a queue that works in bits: neighbours, powers of two from here,
  // single flipped bits, and those that other timers already have.
  Time Deadline() {
    const auto now = static_cast<std::uint64_t>(now_.time_since_epoch().count());
    std::uint64_t at = now;
    switch (Below(8)) {
      case 0:
        return Time::max();
      case 1:
        return oracle_.empty() ? now_ : std::next(oracle_.begin(), Below(oracle_.size()))->first;
      case 2:
        at = now + Below(4);
        break;
      case 3:
        at = now + (std::uint64_t{1} << Below(62));
        break;
      case 4:
        at = now ^ (std::uint64_t{1} << Below(63));
        break;
      case 5:
        at = (now | ((std::uint64_t{1} << Below(63)) - 1)) + Below(2);
        break;
      case 6:
        at = random_() >> (1 + Below(62));
        break;
      default:
        at = now + Below(1000);
    }
    at = std::min(at, static_cast<std::uint64_t>(Time::max().time_since_epoch().count()));
    return std::max(now_, At(static_cast<std::int64_t>(at)));
  }

  void ArmOne() {
    Timer& timer = Any();
    if (timer.pending()) return;
    const Time deadline = Deadline();
    queue_.Arm(timer, deadline);
    places_[timer.id] = oracle_.emplace(deadline, &timer);
  }

  void StopOne() {
    Timer& timer = Below(2) == 0 && !oracle_.empty() ? *oracle_.begin()->second : Any();
    if (!timer.pending()) return;
    queue_.Stop(timer);
    oracle_.erase(places_[timer.id]);
  }

  void Advance() {
    Time to = Below(10) == 0 ? Deadline() : OracleNext();
    if (to == Time::max()) to = now_;  // nothing can be armed after the end of time
    if (Below(3) == 0 && to > now_) to -= Duration(1);
    now_ = to;
    for (;;) {
      TimerLink* due = queue_.PopDue(now_);
      TimerLink* expected = OracleNext() <= now_ ? oracle_.begin()->second : nullptr;
      ASSERT_EQ(due, expected);
      if (due == nullptr) return;
      oracle_.erase(oracle_.begin());
      if (Below(4) == 0) ArmOne();
    }
  }

  std::mt19937_64 random_;
  const bool asks_often_;
  Time now_{};
  TimerQueue queue_;
  std::deque<Timer> timers_;
  Oracle oracle_;
  std::map<int, Oracle::iterator> places_;
};

TEST(TimerQueueRandomProgram, AgreesWithAMultimap) {
  for (std::uint64_t seed = 1; seed <= 5000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomProgram(seed).Run();
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace afterleak
