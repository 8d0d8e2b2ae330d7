#include "afterleak/go/select.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
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

// A channel that is always ready to be received from.
Chan<int> Closed() {
  const auto c = MakeChan<int>();
  c.Close();
  return c;
}

// ---- the choice among the cases that are ready

constexpr int kDraws = 8000;

std::vector<int> Choices(std::uint64_t seed) {
  std::vector<int> choices;
  InBubble(
      [&] {
        const auto in = Closed();
        const auto out = MakeChan<int>(kDraws);
        const Chan<int> nil;
        const auto idle = MakeChan<int>();
        for (int i = 0; i < kDraws; ++i) {
          choices.push_back(Select(
              {Recv(in), Recv(nil), Send(out, i), Recv(idle), Recv(in), Recv(out), Default()}));
          out.TrySend(0);  // so that there is something to receive
        }
      },
      {.seed = seed});
  return choices;
}

TEST(Select, ChoosesUniformlyAmongTheReadyCasesAndNoOther) {
  for (const std::uint64_t seed : {1, 2, 3, 12345}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    // The buffer can always be sent to, and can be received from except the very first time.
    std::array<int, 7> counts{};
    for (const int choice : Choices(seed)) ++counts[static_cast<std::size_t>(choice)];
    EXPECT_THAT((std::array{counts[1], counts[3], counts[6]}), testing::Each(0));
    double chi_square = 0;  // three degrees of freedom: above 25 in 1 of 60,000 seeds
    for (const int ready : {0, 2, 4, 5}) {
      const double off = counts[static_cast<std::size_t>(ready)] - kDraws / 4.0;
      chi_square += off * off / (kDraws / 4.0);
    }
    EXPECT_LT(chi_square, 25) << testing::PrintToString(counts);
  }
}

TEST(Select, ChoosesTheSameForTheSameSeedAndOtherwiseForAnother) {
  EXPECT_EQ(Choices(1), Choices(1));
  EXPECT_NE(Choices(1), Choices(2));
}

TEST(Select, TakesTheDefaultOnlyWhenNoOtherCaseIsReady) {
  InBubble([] {
    const auto c = MakeChan<int>(1);
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(Select({Default(), Recv(c)}), 0);
      EXPECT_EQ(Select({Default(), Send(c, i)}), 1);
      int value = -1;
      EXPECT_EQ(Select({Default(), Recv(c, &value)}), 1);
      EXPECT_EQ(value, i);
    }
    EXPECT_EQ(Select({Default()}), 0);
  });
}

TEST(Select, CasesOnNilChannelsAreNeverReady) {
  InBubble([] {
    const Chan<int> nil;
    EXPECT_EQ(Select({Recv(nil), Send(nil, 1), Default()}), 2);
    EXPECT_EQ(Select({Recv(nil), Recv(Closed()), Send(nil, 1)}), 1);
    EXPECT_EQ(Select({Recv(nil), Recv(time::After(1s)), Send(nil, 1)}), 1) << "and while it waits";
  });
}

// ---- waiting

TEST(Select, OnceItWaitsTheFirstEventWins) {
  InBubble([] {
    const auto a = MakeChan<int>(1);
    const auto b = MakeChan<int>(1);
    int chosen = -1, value = 0;
    Go([&, a, b] { chosen = Select({Recv(a, &value), Recv(b, &value)}); });
    Wait();
    EXPECT_TRUE(b.TrySend(2));
    EXPECT_TRUE(a.TrySend(1));  // before the goroutine resumes, and yet too late
    Wait();
    EXPECT_EQ(chosen, 1);
    EXPECT_EQ(value, 2);
    EXPECT_EQ(a.Len(), 1u);
    EXPECT_EQ(b.Len(), 0u);
  });
}

TEST(Select, ASendCompletesAWaitingSelectAtOnce) {
  InBubble([] {
    const auto c = MakeChan<int>();
    Go([c] { Select({Recv(c), Recv(time::After(1s))}); });
    Wait();
    EXPECT_TRUE(c.TrySend(1));
    EXPECT_FALSE(c.TrySend(2)) << "it does not take a second value";
  });
}

TEST(Select, OfTheSameChannelInSeveralCasesExactlyOneRuns) {
  InBubble([] {
    const auto c = MakeChan<int>();
    int first = 0, second = 0;
    Go([&, c] { Select({Recv(c, &first), Recv(c, &second)}); });
    Wait();
    EXPECT_TRUE(c.TrySend(7));
    EXPECT_FALSE(c.TrySend(8));
    Wait();
    EXPECT_EQ(first + second, 7);

    const auto buffered = MakeChan<int>(4);
    Select({Send(buffered, 1), Send(buffered, 2), Send(buffered, 3)});
    EXPECT_EQ(buffered.Len(), 1u);
  });
}

TEST(Select, TheGoroutineIsNotItsOwnPartner) {
  EXPECT_THROW(InBubble([] {
                 const auto c = MakeChan<int>();
                 Select({Send(c, 1), Recv(c)});
               }),
               Deadlock);
}

TEST(Select, ALosingReceiveLeavesItsQueueUntouched) {
  InBubble([] {
    const auto a = MakeChan<int>();
    const auto b = MakeChan<int>();
    std::vector<int> before, after;
    Go([&, b] { before.push_back(*b.Recv()); });
    Go([&, a, b] { Select({Recv(a), Recv(b), Recv(b)}); });
    Go([&, b] { after.push_back(*b.Recv()); });
    Wait();
    EXPECT_TRUE(a.TrySend(0));
    EXPECT_TRUE(b.TrySend(1));
    EXPECT_TRUE(b.TrySend(2));
    EXPECT_FALSE(b.TrySend(3)) << "the select no longer waits there";
    Wait();
    EXPECT_THAT(before, ElementsAre(1));
    EXPECT_THAT(after, ElementsAre(2));
    Go([b] { b.Send(4); });
    EXPECT_EQ(b.Recv(), 4) << "a later sender is served";
  });
}

TEST(Select, ALosingReceiveAtTheTailLeavesItsQueueWhole) {
  int got = 0;
  InBubble([&] {
    const auto contested = MakeChan<int>(), other = MakeChan<int>();
    const auto receive = [&] { contested.Recv(), ++got; };
    Go(receive);
    time::Sleep(1s);
    Go([=] { Select({Recv(contested), Recv(other)}); });
    time::Sleep(1s);
    other.Send(1);
    time::Sleep(1s);
    Go(receive);
    time::Sleep(1s);
    contested.Send(1);
    contested.Send(2);
    time::Sleep(1s);
  });
  EXPECT_EQ(got, 2);
}

TEST(Select, ALosingSendIsNotReceived) {
  InBubble([] {
    const auto a = MakeChan<int>();
    const auto b = MakeChan<int>();
    Go([=] { b.Send(1); });
    Go([=] { Select({Send(a, 10), Send(b, 20)}); });
    Go([=] { b.Send(2); });
    Wait();
    EXPECT_EQ(a.TryRecv(), 10);
    EXPECT_EQ(b.TryRecv(), 1);
    EXPECT_EQ(b.TryRecv(), 2);
    EXPECT_EQ(b.TryRecv(), std::nullopt);
  });
}

TEST(Select, ASelectThatIsUnwoundLeavesItsQueuesUntouched) {
  Bubble bubble;
  Chan<int> c;
  EXPECT_THROW(bubble.Run([&] {
    c = MakeChan<int>();
    Select({Recv(c), Send(c, 1)});
  }),
               Deadlock);
  EXPECT_FALSE(c.TrySend(2));
  EXPECT_EQ(c.TryRecv(), std::nullopt);
}

TEST(Select, TwoGoroutinesThatSendAndReceiveOnOneChannelExchangeOneValue) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    InBubble(
        [] {
          const auto c = MakeChan<int>();
          std::vector<int> chosen;
          int received = 0;
          for (const int mine : {1, 2}) {
            Go([&, c, mine] { chosen.push_back(Select({Send(c, mine), Recv(c, &received)})); });
          }
          Wait();
          EXPECT_THAT(chosen, testing::UnorderedElementsAre(0, 1));
          EXPECT_TRUE(received == 1 || received == 2);
        },
        {.seed = seed});
  }
}

TEST(Select, AWaitingSelectIsServedInTurnWithPlainReceivers) {
  InBubble([] {
    const auto c = MakeChan<int>();
    std::vector<std::string> served;
    Go([&, c] { c.Recv(), served.push_back("plain"); });
    Go([&, c] { Select({Recv(c), Recv(Chan<int>())}), served.push_back("select"); });
    Wait();
    c.Send(1);
    Wait();
    EXPECT_THAT(served, ElementsAre("plain"));
    c.Send(2);
    Wait();
    EXPECT_THAT(served, ElementsAre("plain", "select"));
  });
}

// ---- closed channels

TEST(Select, AReceiveFromAClosedChannelYieldsZeroAndNotOk) {
  InBubble([] {
    std::string value = "old";
    bool ok = true;
    const auto c = MakeChan<std::string>(1);
    c.Send("last");
    c.Close();
    EXPECT_EQ(Select({Recv(c, &value, &ok)}), 0);
    EXPECT_EQ(value, "last");
    EXPECT_TRUE(ok);
    EXPECT_EQ(Select({Recv(c, &value, &ok), Default()}), 0);
    EXPECT_EQ(value, "");
    EXPECT_FALSE(ok);
  });
}

TEST(Select, CloseCompletesAWaitingReceiveWithZeroAndNotOk) {
  InBubble([] {
    const auto c = MakeChan<int>();
    int value = 7, chosen = -1;
    bool ok = true;
    Go([&, c] { chosen = Select({Recv(Chan<int>()), Recv(c, &value, &ok)}); });
    Wait();
    c.Close();
    Wait();
    EXPECT_EQ(chosen, 1);
    EXPECT_EQ(value, 0);
    EXPECT_FALSE(ok);
  });
}

TEST(Select, ASendOnAClosedChannelPanicsEvenWithADefault) {
  InBubble([] {
    EXPECT_EQ(PanicOf([] { Select({Send(Closed(), 1), Default()}); }), "send on closed channel");
    EXPECT_EQ(Select({Default()}), 0) << "no lock is left held";
  });
}

TEST(Select, CloseMakesASelectThatWaitsToSendPanic) {
  InBubble([] {
    const auto c = MakeChan<int>();
    std::string panic;
    Go([&, c] { panic = PanicOf([&] { Select({Recv(Chan<int>()), Send(c, 1)}); }); });
    Wait();
    c.Close();
    Wait();
    EXPECT_EQ(panic, "send on closed channel");
  });
}

// ---- values

struct Counted {
  Counted() = default;
  explicit Counted(int v) : value(v) {}
  Counted(Counted&& other) noexcept : value(other.value) { ++alive; }
  Counted& operator=(Counted&&) = default;
  ~Counted() { --alive; }
  int value = (++alive, 0);
  static inline int alive = 0;
};

TEST(Select, ValuesAreDestroyedWhetherTheirCaseWinsOrLoses) {
  Counted::alive = 0;
  InBubble([] {
    const auto c = MakeChan<int>();
    const auto counted = MakeChan<Counted>(1);
    EXPECT_EQ(Select({Send(Chan<Counted>(), Counted()), Default()}), 1);
    EXPECT_EQ(Select({Send(counted, Counted()), Recv(c)}), 0);
    EXPECT_EQ(Counted::alive, 1) << "in the buffer";
    EXPECT_EQ(Select({Recv(c), Recv(counted)}), 1) << "received into nothing";
    EXPECT_EQ(Counted::alive, 0);

    std::vector<SelectCase> cases;  // grows, so that cases move
    for (int i = 0; i < 3; ++i) cases.push_back(Send(Chan<Counted>(), Counted()));
    cases.push_back(Send(counted, Counted()));
    EXPECT_EQ(Select(std::move(cases)), 3);
    Counted into;
    EXPECT_EQ(Select({Recv(counted, &into), Recv(c)}), 0);
    EXPECT_EQ(Counted::alive, 1) << "what was received";
  });
  EXPECT_EQ(Counted::alive, 0);
}

struct Large {
  std::array<std::uint64_t, 30> numbers{};
  std::unique_ptr<std::string> text;
};

TEST(Select, PassesLargeValuesThatOnlyMove) {
  InBubble([] {
    const auto large = MakeChan<Large>();
    Go([large] {
      Large value{.numbers = {}, .text = std::make_unique<std::string>("text")};
      value.numbers[29] = 29;
      Select({Send(large, std::move(value)), Recv(Chan<int>())});
    });
    Large received;
    EXPECT_EQ(Select({Recv(large, &received), Recv(Chan<Large>(), &received)}), 0);
    EXPECT_EQ(received.numbers[29], 29u);
    EXPECT_EQ(*received.text, "text");
  });
}

TEST(Select, TakesMoreThanSixteenCases) {
  InBubble([] {
    const Chan<int> n;
    const auto c = MakeChan<int>(1);
    const auto select = [&] {
      return Select({Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(n),
                     Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(n),
                     Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(c)});
    };
    c.Send(1);
    EXPECT_EQ(select(), 19);
    int chosen = -1;
    Go([&] { chosen = select(); });
    Wait();
    c.Send(2);
    Wait();
    EXPECT_EQ(chosen, 19);
  });
}

TEST(Select, TakesCasesFromAVector) {
  InBubble([] {
    const auto large = MakeChan<std::array<std::unique_ptr<int>, 9>>(1);
    const auto sums = MakeChan<std::unique_ptr<int>>(1);
    std::vector<Chan<int>> inputs(20);
    inputs[17] = MakeChan<int>();
    Go([&] { inputs[17].Send(42); });
    int got = 0;
    std::vector<SelectCase> cases;  // grows, so that cases move
    for (const Chan<int>& input : inputs) cases.push_back(Recv(input, &got));
    EXPECT_EQ(Select(std::move(cases)), 17);
    EXPECT_EQ(got, 42);

    std::array<std::unique_ptr<int>, 9> values;
    values[8] = std::make_unique<int>(8);
    std::vector<SelectCase> sends;
    sends.push_back(Send(large, std::move(values)));
    sends.push_back(Send(Chan<std::unique_ptr<int>>(), std::make_unique<int>(1)));
    EXPECT_EQ(Select(std::move(sends)), 0);
    EXPECT_EQ(*(*large.Recv())[8], 8);

    std::vector<SelectCase> last;
    last.push_back(Send(sums, std::make_unique<int>(5)));
    last.push_back(Recv(RecvChan<int>()));
    EXPECT_EQ(Select(std::move(last)), 0);
    EXPECT_EQ(**sums.Recv(), 5);

    std::vector<SelectCase> none;
    none.push_back(Recv(RecvChan<int>()));
    none.push_back(Default());
    EXPECT_EQ(Select(std::move(none)), 1);
  });
}

TEST(Select, EvaluatesItsCasesFromLeftToRight) {
  InBubble([] {
    std::string order;
    const auto named = [&](char name) {
      order += name;
      return Closed();
    };
    const auto value = [&](char name) {
      order += name;
      return 0;
    };
    Select({Recv(named('a')), Send(Chan<int>(), value('b')), Recv(named('c')), Recv(named('d')),
            Default()});
    EXPECT_EQ(order, "abcd");
  });
}

TEST(Select, AllocatesNothingForUpToSixteenCasesAndSmallValues) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([] {
    const auto c = MakeChan<int>();
    Go([c] {
      for (;;) Select({Send(c, 1), Recv(Chan<std::string>()), Send(Chan<std::string>(), "")});
    });
    Wait();
    const heap::Scope scope;
    for (int i = 0; i < 100; ++i) Select({Recv(c), Recv(Chan<int>())});
    const Chan<int> n;
    EXPECT_EQ(Select({Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(n),
                      Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(n), Recv(c)}),
              15);
    Gosched();
    EXPECT_EQ(scope.usage().total_blocks, 0);
  });
}

TEST(Select, FreesTheRoomOfLargeValues) {
  AFTERLEAK_SKIP_UNLESS_COUNTING();
  InBubble([] {
    const auto c = MakeChan<Large>(1);
    const heap::Scope scope;
    Select({Send(c, Large()), Recv(c), Send(Chan<Large>(), Large())});
    EXPECT_EQ(scope.usage().total_blocks, 3);
    EXPECT_EQ(scope.usage().live_blocks, 0);
  });
}

// ---- what the reports say

TEST(Select, WithoutCasesIsADeadlock) {
  EXPECT_THAT(PanicOf([] { InBubble([] { Select({}); }); }),
              HasSubstr("goroutine 1 [select (no cases)]"));
}

TEST(Select, AWaitingSelectIsReportedWithItsLine) {
  const auto select_twice_nil = [](std::source_location site = std::source_location::current()) {
    InBubble([site] { Select({Recv(Chan<int>()), Recv(Chan<int>())}, site); });
  };
  const std::string line = std::to_string(std::source_location::current().line() + 1);
  const std::string report = PanicOf([&] { select_twice_nil(); });
  EXPECT_THAT(report, HasSubstr("[select]: "));
  EXPECT_THAT(report, HasSubstr("select_test.cc:" + line + " "));
}

TEST(Select, OnChannelsOfDifferentBubblesPanics) {
  const auto line = std::source_location::current().line();
  const auto foreign = MakeChan<int>(1);
  InBubble([&] {
    EXPECT_EQ(PanicOf([&] { Select({Recv(foreign), Recv(MakeChan<int>())}); }),
              "select on channels of different bubbles: at " + AtLine(line + 3) +
                  ", on one made at " + AtLine(line + 1) + " and one made at " + AtLine(line + 3));
  });
}

}  // namespace
}  // namespace afterleak
