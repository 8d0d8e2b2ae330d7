// Built twice: with Asio, and with Boost.Asio (LOOPS_BOOST_ASIO).
#ifdef LOOPS_BOOST_ASIO
#include <boost/asio.hpp>
#else
#include <asio.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#endif
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "afterleak/census/call_stack.h"
#include "afterleak/loops/asio_waits.h"
#include "afterleak/loops/leak_check.h"
#include "afterleak/loops/loops.h"

#ifdef LOOPS_BOOST_ASIO
namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using SystemError = boost::system::system_error;
#else
using ErrorCode = asio::error_code;
using SystemError = asio::system_error;
#endif

namespace {

using namespace std::chrono_literals;
using afterleak::CensusTotals;
using afterleak::SiteReport;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace loops = afterleak::loops;

// The census is one for the process: a test looks at what has changed.
class Asio : public testing::Test {
 protected:
  void TearDown() override {
    loop_.reset();
    EXPECT_TRUE(loops::Totals().Conserved());
    EXPECT_EQ(Live(), 0);
    EXPECT_EQ(loops::Totals(afterleak::Resource::kIdle).armed, 0) << "nothing of Asio is idle";
  }

  std::int64_t Armed() const { return loops::Totals().armed - before_.armed; }
  std::int64_t Fired() const { return loops::Totals().fired - before_.fired; }
  std::int64_t Stopped() const { return loops::Totals().stopped - before_.stopped; }
  std::int64_t Live() const { return loops::Totals().live - before_.live; }

  asio::io_context& loop() { return *loop_; }
  void Run() {
    loop().restart();
    loop().run();
  }
  void Poll() {
    loop().restart();
    loop().poll();
  }

  std::optional<asio::io_context> loop_{std::in_place};

 private:
  const CensusTotals before_ = loops::Totals();
};

void Nothing(ErrorCode) {}

TEST_F(Asio, AWaitIsLiveUntilItFires) {
  asio::steady_timer timer(loop(), 1ms);
  EXPECT_EQ(Armed(), 0) << "nobody waits";
  std::int64_t live_within = -1;
  timer.async_wait([&](ErrorCode) { live_within = Live(); });
  EXPECT_EQ(Live(), 1);
  Run();
  EXPECT_EQ(live_within, 0) << "it has fired when its handler runs";
  EXPECT_EQ(Armed(), 1);
  EXPECT_EQ(Fired(), 1);
}

TEST_F(Asio, ACancelledOneIsStoppedWhenItsHandlerIsTold) {
  asio::steady_timer timer(loop(), 1h);
  ErrorCode told;
  timer.async_wait([&](ErrorCode error) { told = error; });
  EXPECT_EQ(timer.cancel(), 1u);
  EXPECT_EQ(Live(), 1) << "Asio keeps it until then";
  Poll();
  EXPECT_EQ(told, asio::error::operation_aborted);
  EXPECT_EQ(Stopped(), 1);
}

TEST_F(Asio, SeveralWaitOnOneTimer) {
  asio::steady_timer timer(loop(), 1h);
  for (int i = 0; i < 3; ++i) timer.async_wait(Nothing);
  EXPECT_EQ(Live(), 3);
  EXPECT_EQ(timer.cancel_one(), 1u);
  Poll();
  EXPECT_EQ(Live(), 2);
  EXPECT_EQ(timer.expires_after(1ms), 2u) << "a new deadline cancels";
  Poll();
  EXPECT_EQ(Stopped(), 3);
  timer.async_wait(Nothing);
  Run();
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Armed(), 4);
}

TEST_F(Asio, ATimerThatIsDestroyedStopsItsWaits) {
  {
    asio::steady_timer timer(loop(), 1h);
    timer.async_wait(Nothing);
  }
  Poll();
  EXPECT_EQ(Stopped(), 1);
}

TEST_F(Asio, ALoopThatIsDestroyedStopsWhatNobodyWasTold) {
  auto timer = std::make_optional<asio::steady_timer>(loop(), 1h);
  bool told = false;
  timer->async_wait([&](ErrorCode) { told = true; });
  timer->async_wait([&](ErrorCode) { told = true; });
  EXPECT_EQ(Live(), 2);
  timer.reset();
  loop_.reset();
  EXPECT_FALSE(told);
  EXPECT_EQ(Stopped(), 2);
  EXPECT_EQ(Live(), 0);
  loop_.emplace();
}

TEST_F(Asio, AMovedTimerKeepsItsWaits) {
  asio::steady_timer timer(loop(), 1h);
  timer.async_wait(Nothing);
  asio::steady_timer moved = std::move(timer);
  EXPECT_EQ(Live(), 1);
  moved.cancel();
  Poll();
  EXPECT_EQ(Stopped(), 1);
}

// It stands still.
struct OtherClock {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<OtherClock>;
  static time_point now() { return time_point(24h); }
};

TEST_F(Asio, TheOtherClocksAreSeenWithTheirDeadlines) {
  asio::system_timer system(loop(), 1h);
  system.async_wait(Nothing);
  asio::steady_timer never(loop(), asio::steady_timer::time_point::max());
  never.async_wait(Nothing);
  asio::basic_waitable_timer<OtherClock> other(loop(), 1h);
  other.async_wait(Nothing);
#ifdef LOOPS_BOOST_ASIO
  asio::deadline_timer posix(loop(), boost::posix_time::hours(1));
  posix.async_wait(Nothing);
  EXPECT_EQ(Live(), 4);
#else
  EXPECT_EQ(Live(), 3);
#endif
  for (const SiteReport& site : loops::Report().sites) {
    if (site.live == 0) continue;
    if (site.kind == "system_timer::async_wait" || site.kind == "deadline_timer::async_wait" ||
        site.kind == "basic_waitable_timer::async_wait") {
      EXPECT_LE(site.longest_left, 1h) << site.kind;
      EXPECT_GT(site.longest_left, 50min) << site.kind;
    } else {
      EXPECT_EQ(site.kind, "steady_timer::async_wait");
      EXPECT_GT(site.longest_left, 1000h);
    }
  }
}

TEST_F(Asio, AFutureFires) {
  asio::steady_timer timer(loop(), 1ms);
  std::future<void> fired = timer.async_wait(asio::use_future);
  EXPECT_EQ(Live(), 1);
  Run();
  fired.get();
  EXPECT_EQ(Fired(), 1);
}

TEST_F(Asio, AHandlerThatThrowsHasFired) {
  asio::steady_timer timer(loop(), 0ms);
  timer.async_wait([](ErrorCode) { throw std::runtime_error("of the handler"); });
  EXPECT_THROW(Run(), std::runtime_error);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Live(), 0);
}

TEST_F(Asio, AHandlerThatWaitsAgainIsANewWait) {
  asio::steady_timer timer(loop());
  int ticks = 0;
  std::function<void(ErrorCode)> tick = [&](ErrorCode) {
    if (++ticks == 5) return;
    timer.expires_after(1ms);
    timer.async_wait(tick);
  };
  tick({});
  Run();
  EXPECT_EQ(Armed(), 4);
  EXPECT_EQ(Fired(), 4);
}

TEST_F(Asio, OtherOperationsAreNoTimers) {
  int ran = 0;
  asio::post(loop(), [&] { ++ran; });
  asio::dispatch(loop(), [&] { ++ran; });
  asio::strand<asio::io_context::executor_type> strand(loop().get_executor());
  asio::post(strand, [&] { ++ran; });
  asio::ip::udp::socket socket(loop(), asio::ip::udp::endpoint(asio::ip::udp::v4(), 0));
  socket.async_wait(asio::ip::udp::socket::wait_write, [&](ErrorCode) { ++ran; });
  Run();
  EXPECT_EQ(ran, 4);
  EXPECT_EQ(Armed(), 0);
}

TEST_F(Asio, WhatElseEndsLeavesTheFirstWaitOfAProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto end_others = [&] {
    asio::steady_timer first(loop(), 1h);
    first.async_wait(Nothing);
    asio::post(loop(), [] {});
    asio::steady_timer soon(loop(), 0ms);
    soon.async_wait(Nothing);
    while (Fired() == 0) Poll();
    std::exit(Live() == 1 && Stopped() == 0 ? 0 : 1);
  };
  EXPECT_EXIT(end_others(), testing::ExitedWithCode(0), "");
}

TEST_F(Asio, ThousandsAreCountedAndLoseNothing) {
  constexpr int kTimers = 5000;
  std::vector<asio::steady_timer> timers;
  for (int i = 0; i < kTimers; ++i) {
    timers.emplace_back(loop(), i % 2 == 0 ? 1ms : 1h);
    timers.back().async_wait(Nothing);
  }
  EXPECT_EQ(Live(), kTimers);
  while (Fired() < kTimers / 2) Poll();
  EXPECT_EQ(Live(), kTimers / 2);
  timers.clear();
  Poll();
  EXPECT_EQ(Stopped(), kTimers / 2);
}

TEST_F(Asio, SeveralThreadsRunOneLoop) {
  constexpr int kThreads = 4, kEach = 500;
  const auto work = asio::make_work_guard(loop());
  std::vector<std::thread> pool;
  for (int i = 0; i < kThreads; ++i) pool.emplace_back([&] { loop().run(); });
  std::vector<std::thread> clients;
  for (int i = 0; i < kThreads; ++i) {
    clients.emplace_back([&] {
      asio::strand<asio::io_context::executor_type> strand(loop().get_executor());
      for (int k = 0; k < kEach; ++k) {
        asio::steady_timer timer(loop(), k % 2 == 0 ? 1h : 0ms);
        std::promise<void> done;
        timer.async_wait(asio::bind_executor(strand, [&](ErrorCode) { done.set_value(); }));
        if (k % 2 == 0) asio::post(strand, [&] { timer.cancel(); });
        done.get_future().wait();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  loop().stop();
  for (std::thread& thread : pool) thread.join();
  EXPECT_EQ(Armed(), kThreads * kEach);
  EXPECT_EQ(Fired(), kThreads * kEach / 2);
  EXPECT_EQ(Stopped(), kThreads * kEach / 2);
}

// ---- lines

[[gnu::noinline]] void WaitForLong(asio::steady_timer& timer) { timer.async_wait(Nothing); }
constexpr int kCallbackLine = __LINE__ - 1;

std::vector<SiteReport> LiveSites() {
  std::vector<SiteReport> sites = loops::Report().sites;
  std::erase_if(sites, [](const SiteReport& site) { return site.live == 0; });
  return sites;
}

TEST_F(Asio, TheSiteIsTheLineThatArmed) {
  asio::steady_timer timer(loop(), 1h);
  WaitForLong(timer);
  const std::vector<SiteReport> sites = LiveSites();
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_EQ(sites[0].line, kCallbackLine);
  EXPECT_THAT(sites[0].file, testing::EndsWith("asio_test.cc"));
  EXPECT_THAT(sites[0].function, HasSubstr("WaitForLong"));
  EXPECT_THAT(sites[0].called_from, Each(HasSubstr("asio_test.cc")));
}

#if defined(ASIO_HAS_CO_AWAIT) || defined(BOOST_ASIO_HAS_CO_AWAIT)

asio::awaitable<void> Sleep(std::chrono::milliseconds delay) {
  asio::steady_timer timer(co_await asio::this_coro::executor, delay);
  asio::awaitable<void> wait = timer.async_wait(asio::use_awaitable);
  co_await std::move(wait);
}
constexpr int kSleepLine = __LINE__ - 3;

asio::awaitable<void> Session() {
  co_await Sleep(1h);
  co_await Sleep(2h);
}
constexpr int kSessionLine = __LINE__ - 4;

TEST_F(Asio, TheSiteOfACoroutineIsItsLineAndThenTheCoroutinesThatWaitForIt) {
  asio::co_spawn(loop(), Session(), asio::detached);
  Poll();
  const std::vector<SiteReport> sites = LiveSites();
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_EQ(sites[0].line, kSleepLine);
  EXPECT_THAT(sites[0].file, testing::EndsWith("asio_test.cc"));
  EXPECT_THAT(sites[0].function, HasSubstr("Sleep"));
  EXPECT_THAT(sites[0].called_from,
              testing::ElementsAre(AllOf(HasSubstr("asio_test.cc:" + std::to_string(kSessionLine)),
                                         HasSubstr("Session"))));
}

// GCC 12 says of a co_await that is a statement that it is at the end of its function.
asio::awaitable<void> WaitInAStatement(asio::steady_timer& timer) {
  co_await timer.async_wait(asio::use_awaitable);
}
constexpr std::uint32_t kStatementBegins = __LINE__ - 3;

TEST_F(Asio, TheSiteOfAStatementIsInItsFunction) {
  asio::steady_timer timer(loop(), 1h);
  asio::co_spawn(loop(), WaitInAStatement(timer), asio::detached);
  Poll();
  const std::vector<SiteReport> sites = LiveSites();
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_THAT(sites[0].function, HasSubstr("WaitInAStatement"));
  EXPECT_GE(sites[0].line, kStatementBegins);
  EXPECT_LE(sites[0].line, kStatementBegins + 2);
}

TEST_F(Asio, ACoroutineFiresAndOneThatIsDestroyedStops) {
  asio::co_spawn(loop(), Sleep(1ms), asio::detached);
  Run();
  EXPECT_EQ(Fired(), 1);
  asio::co_spawn(loop(), Session(), asio::detached);
  Poll();
  EXPECT_EQ(Live(), 1);
  loop_.reset();
  EXPECT_EQ(Stopped(), 1);
  loop_.emplace();
}

TEST_F(Asio, TheWaitsOfCallbacksAndOfCoroutinesAreToldApart) {
  asio::steady_timer first(loop(), 1h), second(loop(), 1h);
  first.async_wait(Nothing);
  asio::co_spawn(loop(), Sleep(1h), asio::detached);
  Poll();
  second.async_wait(Nothing);
  EXPECT_EQ(Live(), 3);
  EXPECT_EQ(Stopped(), 0);
}

asio::awaitable<void> SleepBelow(int others) {
  if (others == 0)
    co_await Sleep(1h);
  else
    co_await SleepBelow(others - 1);
}

TEST_F(Asio, TheSiteBelowManyCoroutinesIsItsLine) {
  asio::co_spawn(loop(), SleepBelow(100), asio::detached);
  Poll();
  const std::vector<SiteReport> sites = LiveSites();
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_EQ(sites[0].line, kSleepLine);
  EXPECT_THAT(sites[0].called_from, Contains(HasSubstr("SleepBelow")));
}

TEST_F(Asio, AnErrorCodeInPlaceOfAnExceptionIsACoroutineToo) {
  asio::steady_timer timer(loop(), 1h);
  const auto waits = [](asio::steady_timer& on) -> asio::awaitable<void> {
    ErrorCode error;
    co_await on.async_wait(asio::redirect_error(asio::use_awaitable, error));
    EXPECT_EQ(error, asio::error::operation_aborted);
  };
  asio::co_spawn(loop(), waits(timer), asio::detached);
  Poll();
  const std::vector<SiteReport> sites = LiveSites();
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_THAT(sites[0].file, testing::EndsWith("asio_test.cc"));
  EXPECT_THAT(sites[0].called_from, IsEmpty()) << "not from where the loop was run";
  timer.cancel();
  Poll();
  EXPECT_EQ(Stopped(), 1);
}

#ifndef LOOPS_BOOST_ASIO
TEST_F(Asio, TheLoserOfTwoIsCancelled) {
  using namespace asio::experimental::awaitable_operators;
  const auto race = []() -> asio::awaitable<void> {
    const auto winner = co_await (Sleep(1ms) || Sleep(1h));
    EXPECT_EQ(winner.index(), 0u);
  };
  asio::co_spawn(loop(), race(), asio::detached);
  Run();
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 1);
}

TEST_F(Asio, BothOfTwoFire) {
  using namespace asio::experimental::awaitable_operators;
  const auto both = []() -> asio::awaitable<void> { co_await (Sleep(1ms) && Sleep(2ms)); };
  asio::co_spawn(loop(), both(), asio::detached);
  Run();
  EXPECT_EQ(Fired(), 2);
  EXPECT_EQ(Stopped(), 0);
}
#endif
#endif

// ---- the lines of a coroutine, with functions in their place

namespace hook = loops::asio_tracking;

int Make(const int& frame, int calls);
[[gnu::noinline]] int Resume(const int& frame, int calls) { return Make(frame, calls) + frame; }
constexpr int kResumeLine = __LINE__ - 1;

[[gnu::noinline]] int Make(const int& frame, int calls) {
  if (calls != 0) return Resume(frame, calls - 1) + frame;
  hook::Locate(&frame);
  return frame;
}
constexpr int kMakeLine = __LINE__ - 3;

[[gnu::noinline]] int Begin(const int& frame, int calls) { return Make(frame, calls) + frame; }

int Await() { return 1; }
constexpr int kAwaitLine = __LINE__ - 1;

class AsioLines : public Asio {
 protected:
  void TearDown() override {
    hook::Forget(&frame_);
    hook::Stop(wait_);
    Asio::TearDown();
  }

  // By a pointer that the compiler does not see through, so that none is copied for its arguments.
  void Call(int (*function)(const int&, int), int calls) {
    int (*volatile unseen)(const int&, int) = function;
    unseen(frame_, calls);
  }

  // The site of a wait of that many coroutines: Asio's own, one in `first`, and others in Await.
  SiteReport SiteOf(int count, int (*first)(const int&, int) = &Make) {
    hook::Coroutines coroutines{.frame = &frame_, .count = count, .code = {}};
    std::ranges::fill(coroutines.code, reinterpret_cast<std::uintptr_t>(&Await));
    coroutines.code[1] = reinterpret_cast<std::uintptr_t>(first);
    wait_ = hook::Begin(hook::Clock::kSteady, 1h, coroutines);
    const std::vector<SiteReport> sites = LiveSites();
    EXPECT_EQ(sites.size(), 1u);
    return sites.empty() ? SiteReport{} : sites[0];
  }

  static auto IsAt(int line) { return HasSubstr("asio_test.cc:" + std::to_string(line) + " "); }

  const int frame_ = 0;
  hook::Wait wait_ = 0;
};

TEST_F(AsioLines, AreItsStackAndThenThoseThatWaitForIt) {
  Call(&Make, 0);
  const SiteReport site = SiteOf(4);
  EXPECT_EQ(site.line, kMakeLine);
  EXPECT_THAT(site.called_from, testing::ElementsAre(IsAt(kAwaitLine), IsAt(kAwaitLine)));
}

TEST_F(AsioLines, AreItsStackAloneWhereNobodyWaitsForIt) {
  Call(&Make, 0);
  const SiteReport site = SiteOf(2);
  EXPECT_EQ(site.line, kMakeLine);
  EXPECT_THAT(site.called_from, IsEmpty());
}

TEST_F(AsioLines, AreTheWholeStackWhereThereIsNoneOfTheProgram) {
  const int line = __LINE__ + 1;
  Call(&Make, 0);
  const SiteReport site = SiteOf(1);
  EXPECT_EQ(site.line, kMakeLine);
  EXPECT_THAT(site.called_from, AllOf(Contains(IsAt(line)), Each(Not(IsAt(kAwaitLine)))));
}

TEST_F(AsioLines, EndAtTheInnermostOfARecursion) {
  Call(&Resume, 2);
  const SiteReport site = SiteOf(3, &Resume);
  EXPECT_EQ(site.line, kMakeLine);
  EXPECT_THAT(site.called_from, testing::ElementsAre(IsAt(kResumeLine), IsAt(kAwaitLine)));
}

TEST_F(AsioLines, AreAsManyAsAStackHas) {
  Call(&Begin, 6);
  const SiteReport site = SiteOf(hook::Coroutines::kMost, &Begin);
  EXPECT_EQ(site.line, kMakeLine);
  EXPECT_EQ(site.called_from.size(), afterleak::internal::kMostFrames - 1u);
}

TEST_F(AsioLines, AreWhereItBeginsWhenItsStackIsForgotten) {
  struct Frame {
    int number = 0;
  };
  hook::Coroutines coroutines{.frame = nullptr, .count = 1, .code = {}};
  {
    const hook::Located<Frame> located;
    coroutines.frame = static_cast<const Frame*>(&located);
  }
  coroutines.code[0] = reinterpret_cast<std::uintptr_t>(&Await);
  wait_ = hook::Begin(hook::Clock::kSteady, 1h, coroutines);
  const std::vector<SiteReport> sites = LiveSites();
  ASSERT_EQ(sites.size(), 1u);
  EXPECT_EQ(sites[0].line, kAwaitLine);
}

// ---- checks

TEST_F(Asio, ACheckFindsWhatTheWorkLeavesAndIsSilentOnTheFixedSide) {
  std::vector<std::unique_ptr<asio::steady_timer>> timers;
  const auto ask = [&](bool leaks) {
    timers.push_back(std::make_unique<asio::steady_timer>(loop(), 30s));
    WaitForLong(*timers.back());
    if (!leaks) timers.back()->cancel();
    Poll();
  };
  EXPECT_TRUE(loops::CheckLeftBehind([&] { ask(false); },
                                     {.calls = 100, .heap = afterleak::HeapCheck::kOff}));
  const afterleak::Verdict verdict = loops::CheckLeftBehind([&] { ask(true); }, {.calls = 3});
  ASSERT_EQ(verdict.findings.size(), 1u);
  EXPECT_EQ(verdict.findings[0].count, 3);
  EXPECT_EQ(verdict.findings[0].line, kCallbackLine);
}

TEST_F(Asio, IsWatched) {
  EXPECT_THAT(loops::Watched(), Contains(AllOf(Field(&loops::Watch::library, loops::Library::kAsio),
                                               Field(&loops::Watch::blind, ""))));
}

}  // namespace
