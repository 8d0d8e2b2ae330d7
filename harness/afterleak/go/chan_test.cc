#include "afterleak/go/chan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <source_location>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "afterleak/go/time.h"
#include "afterleak/heap/heap.h"
#include "tests/support/test_bubble.h"

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// Counts its instances that still hold a value; moved-from ones do not.
struct Counted {
  explicit Counted(int v) : value(v) { ++alive; }
  Counted(Counted&& other) noexcept : value(std::exchange(other.value, 0)) {}
  Counted& operator=(Counted&&) = delete;
  ~Counted() { alive -= value != 0; }
  int value;
  static inline std::atomic<int> alive = 0;
};

// ---- nil

TEST(Chan, ANilChannelBlocksForEverAndTheDeadlockSaysSo) {
  EXPECT_THAT(PanicOf([] { InBubble([] { Chan<int>().Recv(); }); }),
              HasSubstr("[chan receive (nil chan)]"));
  EXPECT_THAT(PanicOf([] { InBubble([] { Chan<int>().Send(1); }); }),
              HasSubstr("[chan send (nil chan)]"));
}

TEST(Chan, ANilChannelIsNeverReadyAndEmpty) {
  const Chan<int> nil;
  EXPECT_TRUE(nil.IsNil());
  EXPECT_FALSE(nil.TrySend(1));
  EXPECT_EQ(nil.TryRecv(), std::nullopt);
  EXPECT_EQ(nil.Len(), 0u);
  EXPECT_EQ(nil.Cap(), 0u);
  EXPECT_EQ(nil, Chan<int>());
}

TEST(Chan, CloseOfANilChannelPanics) {
  EXPECT_EQ(PanicOf([] { Chan<int>().Close(); }), "close of nil channel");
}

// ---- values and their order

TEST(Chan, AnUnbufferedSendWaitsForItsReceiver) {
  InBubble([] {
    const auto c = MakeChan<int>();
    std::vector<std::string> trace;
    Go([&, c] {
      trace.push_back("sends");
      c.Send(1);
      trace.push_back("sent");
    });
    Wait();
    trace.push_back("receives");
    EXPECT_EQ(c.Recv(), 1);
    Wait();
    EXPECT_THAT(trace, ElementsAre("sends", "receives", "sent"));
  });
}

TEST(Chan, ABufferedSendWaitsOnlyWhenTheBufferIsFull) {
  InBubble([] {
    const auto c = MakeChan<int>(2);
    EXPECT_EQ(c.Cap(), 2u);
    EXPECT_TRUE(c.TrySend(1));
    EXPECT_TRUE(c.TrySend(2));
    EXPECT_EQ(c.Len(), 2u);
    EXPECT_FALSE(c.TrySend(3));
    bool sent = false;
    Go([&, c] { c.Send(4), sent = true; });
    Wait();
    EXPECT_FALSE(sent);
    EXPECT_EQ(c.Recv(), 1);
    EXPECT_EQ(c.Len(), 2u) << "the sender that waited filled the room";
    Wait();
    EXPECT_TRUE(sent);
    EXPECT_EQ(c.Recv(), 2);
    EXPECT_EQ(c.Recv(), 4);
    EXPECT_EQ(c.Len(), 0u);
  });
}

TEST(Chan, TryRecvOfAnEmptyChannelIsNothing) {
  InBubble([] {
    EXPECT_EQ(MakeChan<int>().TryRecv(), std::nullopt);
    EXPECT_EQ(MakeChan<int>(1).TryRecv(), std::nullopt);
  });
}

TEST(Chan, ABufferIsFirstInFirstOutHoweverOftenItWrapsAround) {
  for (std::size_t capacity = 1; capacity <= 5; ++capacity) {
    SCOPED_TRACE(testing::Message() << "seed and capacity " << capacity);
    std::mt19937 random(static_cast<std::uint32_t>(capacity));
    std::deque<int> model;
    const auto c = MakeChan<int>(capacity);
    for (int i = 0; i < 1000; ++i) {
      if (random() % 2 == 0) {
        ASSERT_EQ(c.TrySend(i), model.size() < capacity);
        if (model.size() < capacity) model.push_back(i);
      } else {
        ASSERT_EQ(c.TryRecv(), model.empty() ? std::nullopt : std::optional(model.front()));
        if (!model.empty()) model.pop_front();
      }
      ASSERT_EQ(c.Len(), model.size());
    }
  }
}

TEST(Chan, ACapacityMayBeAbove32BitsWhereValuesNeedNoRoom) {
  InBubble([] {
    constexpr std::size_t kMany = std::size_t{1} << 32;
    const heap::Scope scope;
    const Chan<Unit> many = MakeChan<Unit>(kMany);
    EXPECT_EQ(many.Cap(), kMany);
    EXPECT_TRUE(many.TrySend({}));
    EXPECT_EQ(many.Len(), 1u);
    EXPECT_TRUE(many.TryRecv().has_value());
    EXPECT_FALSE(many.TryRecv().has_value());
    EXPECT_LE(scope.usage().live_blocks, 1);
  });
}

TEST(Chan, AnImpossibleCapacityPanics) {
  InBubble([] {
    const std::string out_of_range = "makechan: size out of range";
    EXPECT_EQ(PanicOf([] { (void)MakeChan<int>(std::size_t{1} << 62); }), out_of_range);
    EXPECT_EQ(PanicOf([] { (void)MakeChan<int>(std::size_t{1} << 47); }), out_of_range);
    EXPECT_EQ(PanicOf([] { (void)MakeChan<Unit>(std::size_t{1} << 63); }), out_of_range);
  });
}

TEST(Chan, CopiesNameTheSameChannel) {
  InBubble([] {
    const auto c = MakeChan<int>(1);
    const auto copy = c;
    copy.Send(7);
    EXPECT_EQ(c.Recv(), 7);
    EXPECT_EQ(c, copy);
    EXPECT_NE(c, MakeChan<int>(1));
  });
}

TEST(Chan, BlockedReceiversAreServedFirstComeFirstServed) {
  InBubble([] {
    const auto c = MakeChan<int>();
    std::vector<std::pair<char, int>> served;
    for (const char name : {'a', 'b', 'c'})
      Go([&, c, name] { served.emplace_back(name, *c.Recv()); });
    Wait();
    for (int i = 1; i <= 3; ++i) EXPECT_TRUE(c.TrySend(i));
    Wait();
    EXPECT_THAT(served, ElementsAre(std::pair('a', 1), std::pair('b', 2), std::pair('c', 3)));
  });
}

TEST(Chan, BlockedSendersAreServedFirstComeFirstServed) {
  for (const std::size_t capacity : {0u, 2u}) {
    InBubble([capacity] {
      const auto c = MakeChan<int>(capacity);
      for (int i = 1; i <= 5; ++i) Go([c, i] { c.Send(i); });
      Wait();
      std::vector<int> received;
      while (const auto value = c.TryRecv()) received.push_back(*value);
      EXPECT_THAT(received, ElementsAre(1, 2, 3, 4, 5));
    });
  }
}

// ---- close

TEST(Chan, OutlivesTheVariableThatABlockedReceiverTookItFrom) {
  const auto c = std::make_shared<Chan<int>>();
  InBubble([&] {
    *c = MakeChan<int>();
    Go([c] { c->Recv(); });
    time::Sleep(1s);
    *c = {};
    time::Sleep(1s);
  });
}

TEST(Chan, OutlivesTheVariableThatABlockedSenderTookItFromAndSoDoesWhatItHolds) {
  const auto c = std::make_shared<Chan<Counted>>();
  InBubble([&] {
    *c = MakeChan<Counted>(1);
    c->Send(Counted(1));
    Go([c] { c->Send(Counted(2)); });
    time::Sleep(1s);
    *c = {};
    EXPECT_EQ(Counted::alive, 2);
    time::Sleep(1s);
  });
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Chan, AClosedChannelDrainsFirstAndThenYieldsNothingForEver) {
  InBubble([] {
    const auto c = MakeChan<int>(2);
    c.Send(1);
    c.Send(2);
    c.Close();
    EXPECT_EQ(c.Recv(), 1);
    EXPECT_EQ(c.TryRecv(), 2);
    EXPECT_EQ(c.Recv(), std::nullopt);
    EXPECT_EQ(c.TryRecv(), std::nullopt);
    EXPECT_EQ(c.Recv(), std::nullopt);
  });
}

TEST(Chan, SendAndCloseOfAClosedChannelPanic) {
  InBubble([] {
    for (const auto& c : {MakeChan<int>(), MakeChan<int>(1)}) {
      c.Close();
      EXPECT_EQ(PanicOf([&] { c.Send(1); }), "send on closed channel");
      EXPECT_EQ(PanicOf([&] { c.TrySend(1); }), "send on closed channel")
          << "a default case does not save it";
      EXPECT_EQ(PanicOf([&] { c.Close(); }), "close of closed channel");
      EXPECT_EQ(c.Len(), 0u);
    }
  });
}

TEST(Chan, CloseWakesEveryReceiverWithNothing) {
  InBubble([] {
    const auto c = MakeChan<int>();
    int woken = 0;
    for (int i = 0; i < 5; ++i) Go([&, c] { woken += c.Recv() == std::nullopt; });
    Wait();
    c.Close();
    Wait();
    EXPECT_EQ(woken, 5);
  });
}

TEST(Chan, CloseMakesEveryBlockedSenderPanicAndLeavesTheBufferToBeRead) {
  InBubble([] {
    const auto c = MakeChan<int>(1);
    c.Send(7);
    int panics = 0;
    for (int i = 0; i < 3; ++i)
      Go([&, c] { panics += PanicOf([&] { c.Send(1); }) == "send on closed channel"; });
    Wait();
    c.Close();
    Wait();
    EXPECT_EQ(panics, 3);
    EXPECT_EQ(c.Recv(), 7);
    EXPECT_EQ(c.Recv(), std::nullopt);
  });
}

TEST(Chan, APanicLeavesNoLockHeldAndTheChannelInOrder) {
  InBubble([] {
    const auto c = MakeChan<int>(1);
    c.Send(1);
    c.Close();
    EXPECT_NE(PanicOf([&] { c.Send(2); }), "no panic");
    EXPECT_NE(PanicOf([&] { c.Close(); }), "no panic");
    std::thread([&] { EXPECT_EQ(c.Len(), 1u); }).join();  // another thread gets the lock
    EXPECT_EQ(c.Recv(), 1);
    EXPECT_EQ(MakeChan<int>(1).TrySend(1), true);
  });
}

// ---- range-for

TEST(Chan, ARangeForReceivesUntilTheChannelIsClosedAndDrained) {
  InBubble([] {
    const auto c = MakeChan<std::string>(1);
    Go([c] {
      for (const char* word : {"to", "be", "or"}) c.Send(word);
      c.Close();
    });
    std::string all;
    for (std::string& word : c) all += std::move(word) + " ";
    EXPECT_EQ(all, "to be or ");
  });
}

TEST(Chan, TheDeadlockReportNamesTheLineOfARangeFor) {
  std::uint_least32_t line = 0;
  const std::string report = PanicOf([&] {
    InBubble([&] {
      const auto c = MakeChan<int>();
      line = std::source_location::current().line() + 1;
      for (const int value : c) ADD_FAILURE() << value;
    });
  });
  EXPECT_THAT(report, HasSubstr("chan_test.cc:" + std::to_string(line) + " "));
}

// ---- what values may be

TEST(Chan, ValuesThatOnlyMoveGoThroughEveryPath) {
  InBubble([] {
    using Value = std::unique_ptr<int>;
    const auto buffered = MakeChan<Value>(1);
    buffered.Send(std::make_unique<int>(1));
    EXPECT_EQ(**buffered.Recv(), 1);
    const auto unbuffered = MakeChan<Value>();
    Go([unbuffered] { unbuffered.Send(std::make_unique<int>(2)); });
    EXPECT_EQ(**unbuffered.Recv(), 2) << "to a receiver that waits";
    Go([unbuffered] { unbuffered.Send(std::make_unique<int>(3)); });
    Wait();
    EXPECT_EQ(**unbuffered.TryRecv(), 3) << "from a sender that waits";
  });
}

// Counts its instances, those that were moved from too.
struct Object {
  Object() { ++alive; }
  Object(Object&&) noexcept { ++alive; }
  Object& operator=(Object&&) = delete;
  ~Object() { --alive; }
  static inline int alive = 0;
};

TEST(Chan, EachObjectOnTheWayOfAValueIsDestroyed) {
  InBubble([] {
    const auto buffered = MakeChan<Object>(1);
    buffered.Send(Object());
    EXPECT_EQ(Object::alive, 1) << "in the buffer";
    EXPECT_TRUE(buffered.Recv());
    const auto unbuffered = MakeChan<Object>();
    Go([unbuffered] { unbuffered.Send(Object()); });
    EXPECT_TRUE(unbuffered.Recv()) << "to a receiver that waits";
    Go([unbuffered] { unbuffered.Send(Object()); });
    Wait();
    EXPECT_TRUE(unbuffered.TryRecv()) << "from a sender that waits";
    Wait();
    EXPECT_EQ(Object::alive, 0);
  });
}

// Asks the compiler what a Chan can do and a RecvChan cannot.
template <typename C>
concept Closable = requires(const C& chan) { chan.Close(); };
template <typename C>
concept Sendable = requires(const C& chan) { chan.Send(typename C::value_type{}); };

TEST(Chan, WhatOnlyReceivesCanNeitherSendNorClose) {
  static_assert(Closable<Chan<int>> && Sendable<Chan<int>>);
  static_assert(!Closable<RecvChan<int>> && !Sendable<RecvChan<int>>);
  static_assert(std::is_convertible_v<Chan<int>, RecvChan<int>>);
  static_assert(!std::is_convertible_v<RecvChan<int>, Chan<int>>);
  static_assert(std::is_same_v<decltype(time::After(1s)), RecvChan<Time>>);

  const auto both = MakeChan<int>(2);
  const RecvChan<int> in = both;
  EXPECT_EQ(in, both) << "the same channel";
  both.Send(1);
  both.Close();
  std::vector<int> got;
  for (const int value : in) got.push_back(value);
  EXPECT_EQ(got, std::vector{1});
}

TEST(Chan, AChannelOfChannelsCountsItsHandles) {
  Bubble bubble;
  bubble.Run([] {
    const auto channels = MakeChan<RecvChan<Time>>(2);
    channels.Send(time::After(10s));
    channels.Send(time::After(20s));
    EXPECT_EQ(Bubble::Current().Totals().abandoned, 0) << "the buffer holds the handles";
    {
      const auto taken = channels.Recv();
    }
    EXPECT_EQ(Bubble::Current().Totals().abandoned, 1) << "the taken one was dropped";
  });
  EXPECT_EQ(bubble.Totals().abandoned, 2) << "the buffer went, and with it the last handle";
}

TEST(Chan, ValuesLeftInTheBufferAreDestroyedWithTheLastHandle) {
  auto c = MakeChan<Counted>(3);
  for (int i = 1; i <= 3; ++i) c.TrySend(Counted(i));
  EXPECT_EQ(c.TryRecv()->value, 1);
  c.TrySend(Counted(4));  // the ring has wrapped around
  EXPECT_EQ(Counted::alive, 3);
  auto copy = c;
  c = {};
  EXPECT_EQ(Counted::alive, 3);
  copy = {};
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Chan, AValueThatIsNotSentIsDestroyed) {
  {
    Bubble bubble;
    bubble.Run([] {
      const auto c = MakeChan<Counted>();
      EXPECT_FALSE(c.TrySend(Counted(1)));
      EXPECT_EQ(Counted::alive, 0);
      Go([c] { c.Send(Counted(2)); });
      Go([c] { EXPECT_NE(PanicOf([&] { c.Send(Counted(3)); }), "no panic"); });
      Wait();
      EXPECT_EQ(Counted::alive, 2);
      EXPECT_EQ(c.Recv()->value, 2);
      c.Close();
      Wait();
      EXPECT_EQ(Counted::alive, 0);
      Go([] { MakeChan<Counted>().Send(Counted(4)); });
    });
    EXPECT_EQ(Counted::alive, 1) << "blocked until its bubble ends";
  }
  EXPECT_EQ(Counted::alive, 0);
}

// ---- the heap

TEST(Chan, TakesOneBlockAndOneMoreForItsBuffer) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([] {
    const heap::Scope scope;
    {
      const auto unbuffered = MakeChan<int>();
      EXPECT_EQ(scope.usage().total_blocks, 1);
      const auto buffered = MakeChan<int>(100);
      EXPECT_EQ(scope.usage().total_blocks, 3);
    }
    EXPECT_EQ(scope.usage().live_blocks, 0);
  });
}

TEST(Chan, SendingAndReceivingAllocateNothingEvenWhereTheyBlock) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([] {
    const auto c = MakeChan<int>();
    const auto done = MakeChan<int>();
    Go([=] {
      for (const int value : c) done.Send(value);
    });
    Wait();
    const heap::Scope scope;
    for (int i = 0; i < 100; ++i) {
      c.Send(i);
      EXPECT_EQ(done.Recv(), i);
    }
    EXPECT_EQ(scope.usage().total_blocks, 0);
  });
}

TEST(Chan, BlockingOfAThreadOutsideOfBubblesLeavesNothingOnTheHeap) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  std::thread([] {
    const heap::Scope scope;
    {
      const auto c = MakeChan<int>();
      std::thread sender([=] { c.Send(1); });
      EXPECT_EQ(c.Recv(), 1);
      sender.join();
    }
    EXPECT_EQ(scope.usage().live_blocks, 0);
  }).join();
}

// ---- channels, bubbles and threads

TEST(Chan, MayOutliveItsBubbleButBlockingOnItThenPanics) {
  Chan<int> c;
  {
    Bubble bubble;
    bubble.Run([&] { c = MakeChan<int>(2); });
    c.TrySend(1);
  }
  EXPECT_EQ(c.Len(), 1u);
  EXPECT_TRUE(c.TrySend(2));
  EXPECT_EQ(c.Recv(), 1);
  EXPECT_EQ(c.Recv(), 2);
  EXPECT_EQ(PanicOf([&] { c.Recv(); }), "blocked in a bubble that has ended");
  c.Close();
  EXPECT_EQ(c.Recv(), std::nullopt);
}

TEST(Chan, AThreadOutsideOfAVirtualBubbleMayUseItsChannelsButNotBlock) {
  Bubble bubble;
  Chan<int> c;
  std::vector<int> received;
  const auto line = std::source_location::current().line();
  bubble.Run([&] {
    c = MakeChan<int>(1);
    Go([&] {
      for (const int value : c) received.push_back(value);
    });
    Wait();
  });
  EXPECT_TRUE(c.TrySend(1)) << "to the waiting receiver";
  EXPECT_TRUE(c.TrySend(2)) << "to the buffer";
  EXPECT_EQ(PanicOf([&] { c.Send(3); }), "chan send at " + AtLine(line + 10) +
                                             ", on a channel of another bubble, made at " +
                                             AtLine(line + 2) + ": virtual time would stand still");
  EXPECT_TRUE(received.empty()) << "nothing runs while nobody drives";
  bubble.Advance(0s);
  EXPECT_THAT(received, ElementsAre(1, 2));
}

TEST(Chan, ThreadsOfNoBubbleUseThoseOfARealBubble) {
  Bubble bubble({.clock = ClockKind::kReal});
  Chan<int> c;
  bubble.Run([&] { c = MakeChan<int>(); });
  std::thread sender([&] {
    for (int i = 1; i <= 100; ++i) c.Send(i);
    c.Close();
  });
  int sum = 0;
  for (const int value : c) sum += value;
  sender.join();
  EXPECT_EQ(sum, 5050);
}

TEST(Chan, OutsideOfBubblesChannelsBelongToTheDefaultBubble) {
  const auto request = MakeChan<int>();
  const auto reply = MakeChan<int>();
  Go([=] {
    EXPECT_EQ(&Bubble::Current(), &Bubble::Default());
    for (const int value : request) reply.Send(2 * value);
    reply.Close();
  });
  request.Send(21);
  EXPECT_EQ(reply.Recv(), 42);
  request.Close();
  EXPECT_EQ(reply.Recv(), std::nullopt);
}

TEST(ChanStress, ManyThreadsLoseAndDoubleNothing) {
  constexpr int kEach = 500, kThreads = 4;
  for (const std::size_t capacity : {0u, 3u}) {
    const auto c = MakeChan<int>(capacity);
    std::atomic<int> received = 0;
    std::atomic<long> sum = 0;
    std::vector<std::thread> senders, receivers;
    for (int t = 0; t < kThreads; ++t) {
      receivers.emplace_back([&, c] {
        for (const int value : c) ++received, sum += value;
      });
      senders.emplace_back([c] {
        for (int i = 1; i <= kEach; ++i) {
          if (i % 3 != 0 || !c.TrySend(i)) c.Send(i);
        }
      });
    }
    for (std::thread& thread : senders) thread.join();
    c.Close();
    for (std::thread& thread : receivers) thread.join();
    EXPECT_EQ(received, kEach * kThreads);
    EXPECT_EQ(sum, long{kThreads} * kEach * (kEach + 1) / 2);
  }
}

}  // namespace
}  // namespace afterleak
