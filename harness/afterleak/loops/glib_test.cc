#include <glib.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/loops.h"
#include "tests/support/loop_census.h"
#include "tests/support/lost.h"

namespace {

using namespace std::chrono_literals;

namespace loops = afterleak::loops;

constexpr guint kLater = 1'000'000;

gboolean Remove(gpointer) { return G_SOURCE_REMOVE; }

class Glib : public afterleak::test::LoopCensus {
 protected:
  void RunUntil(const auto& done) {
    while (!done()) g_main_context_iteration(nullptr, TRUE);
  }
  GSource* Attached(guint interval, GSourceFunc callback = &Remove, gpointer data = nullptr) {
    GSource* const source = g_timeout_source_new(interval);
    g_source_set_callback(source, callback, data, nullptr);
    g_source_attach(source, nullptr);
    return source;
  }
};

TEST_F(Glib, AnAddedOneIsLiveUntilItFires) {
  g_timeout_add(1, &Remove, nullptr);
  EXPECT_EQ(Live(), 1);
  RunUntil([&] { return Fired() == 1; });
  EXPECT_EQ(Armed(), 1);
  EXPECT_EQ(Stopped(), 0);
}

TEST_F(Glib, EveryWayOfAddingIsCounted) {
  static int called;
  called = 0;
  constexpr auto kCount = [](gpointer data) -> gboolean {
    return *static_cast<int*>(data) += 1, 0;
  };
  g_timeout_add(1, kCount, &called);
  g_timeout_add_full(G_PRIORITY_HIGH, 1, kCount, &called,
                     [](gpointer data) { *static_cast<int*>(data) += 10; });
  g_timeout_add_once(1, [](gpointer data) { *static_cast<int*>(data) += 100; }, &called);
  EXPECT_EQ(Live(), 3);
  RunUntil([&] { return Fired() == 3; });
  EXPECT_EQ(called, 112);
  const guint seconds[] = {
      g_timeout_add_seconds(kLater, &Remove, nullptr),
      g_timeout_add_seconds_full(G_PRIORITY_LOW, kLater, &Remove, nullptr, nullptr)};
  EXPECT_EQ(Live(), 2);
  for (const guint id : seconds) g_source_remove(id);
  EXPECT_EQ(Stopped(), 2);
}

TEST_F(Glib, EveryWayOfAddingHasItsTimeAndItsPriority) {
  const struct {
    guint id;
    gint priority;
  } all[] = {
      {g_timeout_add(kLater, &Remove, nullptr), G_PRIORITY_DEFAULT},
      {g_timeout_add_full(G_PRIORITY_HIGH, kLater, &Remove, nullptr, nullptr), G_PRIORITY_HIGH},
      {g_timeout_add_full(1, kLater, &Remove, nullptr, nullptr), 1},
      {g_timeout_add_full(G_PRIORITY_DEFAULT, kLater, &Remove, nullptr, nullptr),
       G_PRIORITY_DEFAULT},
      {g_timeout_add_once(
           kLater, [](gpointer) {}, nullptr),
       G_PRIORITY_DEFAULT},
      {g_timeout_add_seconds(kLater, &Remove, nullptr), G_PRIORITY_DEFAULT},
      {g_timeout_add_seconds_full(G_PRIORITY_LOW, kLater, &Remove, nullptr, nullptr),
       G_PRIORITY_LOW}};
  int sites = 0;
  for (const afterleak::SiteReport& site : loops::Report().sites) {
    if (site.live == 0) continue;
    ++sites;
    const bool in_seconds = site.kind.find("seconds") != std::string::npos;
    EXPECT_LE(site.longest_left, in_seconds ? 1'000'001s : 1000s) << site.kind;
    EXPECT_GT(site.longest_left, in_seconds ? 900'000s : 900s) << site.kind;
  }
  EXPECT_EQ(sites, 7);
  for (const auto& [id, priority] : all) {
    GSource* const source = g_main_context_find_source_by_id(nullptr, id);
    EXPECT_EQ(g_source_get_priority(source), priority);
    EXPECT_EQ(source->ref_count, 1u) << "its context's";
    g_source_remove(id);
  }
}

TEST_F(Glib, WhatIsAddedOnceLeavesNothingOnTheHeap) {
  const auto live_blocks_after = [&](int calls) {
    const std::int64_t fired = Fired();
    for (int i = 0; i < calls; ++i) g_timeout_add_once(0, [](gpointer) {}, nullptr);
    RunUntil([&] { return Fired() == fired + calls; });
    return afterleak::heap::Process().live_blocks;
  };
  const std::int64_t before = live_blocks_after(1);
  EXPECT_EQ(live_blocks_after(10), before);
}

TEST_F(Glib, EveryWayOfRemovingIsSeen) {
  int data = 0;
  g_source_remove(g_timeout_add(kLater, &Remove, nullptr));
  EXPECT_EQ(Stopped(), 1);
  g_timeout_add(kLater, &Remove, &data);
  g_source_remove_by_user_data(&data);
  EXPECT_EQ(Stopped(), 2);
  g_timeout_add(kLater, &Remove, &data);
  g_source_remove_by_funcs_user_data(&g_timeout_funcs, &data);
  EXPECT_EQ(Stopped(), 3);
  const guint id = g_timeout_add(kLater, &Remove, nullptr);
  g_source_destroy(g_main_context_find_source_by_id(nullptr, id));
  EXPECT_EQ(Stopped(), 4);
  EXPECT_EQ(Armed(), 4);
}

TEST_F(Glib, WhatIsRemovedIsStoppedThoughTheProgramHasAReference) {
  int data = 0;
  GSource* const by_id = Attached(kLater);
  GSource* const by_data = Attached(kLater, &Remove, &data);
  EXPECT_TRUE(g_source_remove(g_source_get_id(by_id)));
  EXPECT_EQ(Stopped(), 1);
  EXPECT_TRUE(g_source_remove_by_user_data(&data));
  EXPECT_EQ(Stopped(), 2);
  EXPECT_EQ(Idle(), 2);
  g_source_unref(by_id);
  g_source_unref(by_data);
}

TEST_F(Glib, SoIsTheFirstSourceOfAProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto remove = [&] {
    GSource* const source = Attached(kLater);
    g_source_remove(g_source_get_id(source));
    const bool stopped = Stopped() == 1;
    g_source_unref(source);
    std::exit(stopped ? 0 : 1);
  };
  EXPECT_EXIT(remove(), testing::ExitedWithCode(0), "");
}

TEST_F(Glib, ASourceIsIdleUntilItsLastReferenceIsGiven) {
  GSource* const source = g_timeout_source_new(kLater);
  EXPECT_EQ(Idle(), 1) << "made, and never attached";
  EXPECT_EQ(Live(), 0);
  g_source_attach(source, nullptr);
  EXPECT_EQ(Idle(), 0);
  EXPECT_EQ(Live(), 1);
  g_source_destroy(source);
  g_source_destroy(source);
  EXPECT_EQ(Stopped(), 1);
  EXPECT_EQ(Idle(), 1) << "destroyed, and nobody has given it back";
  g_source_unref(source);
  EXPECT_EQ(Idle(), 0);
  EXPECT_EQ(Armed(), 1);
}

TEST_F(Glib, SoIsOneThatCountsInSeconds) {
  GSource* const source = g_timeout_source_new_seconds(kLater);
  EXPECT_EQ(Idle(), 1);
  g_source_attach(source, nullptr);
  EXPECT_EQ(Idle(), 0);
  EXPECT_EQ(Live(), 1);
  g_source_destroy(source);
  EXPECT_EQ(Stopped(), 1);
  g_source_unref(source);
}

TEST_F(Glib, OneThatIsGivenBackWhileItIsPendingStaysLive) {
  GSource* const source = Attached(1);
  g_source_unref(source);
  EXPECT_EQ(Live(), 1) << "its context has it";
  RunUntil([&] { return Fired() == 1; });
}

TEST_F(Glib, OneThatStaysTicks) {
  static int calls;
  calls = 0;
  g_timeout_add(
      1, [](gpointer) -> gboolean { return ++calls < 5 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE; },
      nullptr);
  RunUntil([&] { return Fired() == 1; });
  EXPECT_EQ(Ticks(), 4);
  EXPECT_EQ(Armed(), 1);
}

TEST_F(Glib, ACallbackMayRemoveItsOwnTimer) {
  static guint id;
  id = g_timeout_add(
      1, [](gpointer) -> gboolean { return g_source_remove(id), G_SOURCE_REMOVE; }, nullptr);
  RunUntil([&] { return Live() == 0; });
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 0);
}

TEST_F(Glib, ACallbackMayArmAnother) {
  static int calls;
  calls = 0;
  static GSourceFunc again;
  again = [](gpointer) -> gboolean {
    if (++calls < 3) g_timeout_add(1, again, nullptr);
    return G_SOURCE_REMOVE;
  };
  g_timeout_add(1, again, nullptr);
  RunUntil([&] { return Fired() == 3; });
  EXPECT_EQ(Armed(), 3);
}

TEST_F(Glib, ACallbackMayMoveAndRemoveOthers) {
  static guint removed;
  removed = g_timeout_add(kLater, &Remove, nullptr);
  GSource* const moved = g_timeout_source_new(kLater);
  const int line = __LINE__ + 1;
  g_source_attach(moved, nullptr);
  const auto callback = [](gpointer source) -> gboolean {
    g_source_set_ready_time(static_cast<GSource*>(source),
                            g_get_monotonic_time() + 1000 * G_USEC_PER_SEC);
    g_source_remove(removed);
    return G_SOURCE_REMOVE;
  };
  g_timeout_add(1, callback, moved);
  RunUntil([&] { return Live() == 1; });
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 2);
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(line, "g_source_attach"))
      << "it is put off";
  g_source_destroy(moved);
  g_source_unref(moved);
}

TEST_F(Glib, MainLoopsNest) {
  static GMainContext* inner;
  inner = g_main_context_new();
  static bool inner_fired;
  inner_fired = false;
  static guint outer;
  outer = g_timeout_add(
      1,
      [](gpointer) -> gboolean {
        while (!inner_fired) g_main_context_iteration(inner, TRUE);
        return g_source_remove(outer), G_SOURCE_REMOVE;
      },
      nullptr);
  GSource* const source = g_timeout_source_new(1);
  g_source_set_callback(
      source, [](gpointer) -> gboolean { return inner_fired = true, G_SOURCE_REMOVE; }, nullptr,
      nullptr);
  g_source_attach(source, inner);
  g_source_unref(source);
  RunUntil([&] { return Live() == 0; });
  EXPECT_EQ(Fired(), 2);
  EXPECT_EQ(Stopped(), 0);
  g_main_context_unref(inner);
}

TEST_F(Glib, AReadyTimeThatIsMovedIsArmedAgain) {
  GSource* const source = Attached(kLater);
  g_source_set_ready_time(source, g_get_monotonic_time() + G_USEC_PER_SEC);
  EXPECT_EQ(Armed(), 2);
  EXPECT_EQ(Stopped(), 1);
  g_source_set_ready_time(source, -1);
  EXPECT_EQ(Live(), 0);
  EXPECT_EQ(Idle(), 1);
  g_source_destroy(source);
  g_source_unref(source);
}

TEST_F(Glib, OneThatIsMovedTicksOnceForEachTime) {
  static int calls;
  calls = 0;
  GSource* const source = Attached(
      1, [](gpointer) -> gboolean { return ++calls < 3 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE; });
  g_source_set_ready_time(source, 0);
  ASSERT_EQ(Live(), 1);
  RunUntil([&] { return Fired() == 1; });
  EXPECT_EQ(Ticks(), 2);
  g_source_unref(source);
}

// A source of the program's own kind: with a ready time it is a timer.
class GlibOwn : public Glib {
 protected:
  static gboolean DispatchOnce(GSource* source, GSourceFunc, gpointer) {
    g_source_set_ready_time(source, -1);
    return G_SOURCE_CONTINUE;
  }
  static gboolean DispatchAgain(GSource* source, GSourceFunc, gpointer) {
    g_source_set_ready_time(source, g_get_monotonic_time() + 1000);
    return G_SOURCE_CONTINUE;
  }
  static inline int dispatched = 0;
  static gboolean PrepareFirst(GSource*, gint*) { return dispatched == 0; }
  static gboolean Dispatch(GSource*, GSourceFunc, gpointer) {
    return ++dispatched, G_SOURCE_CONTINUE;
  }
  static inline bool finalized = false;
  static void Finalize(GSource*) { finalized = true; }

  static inline GSourceFuncs once_ = {nullptr, nullptr, &DispatchOnce, &Finalize, nullptr, nullptr};
  static inline GSourceFuncs again_ = {nullptr, nullptr, &DispatchAgain, nullptr, nullptr, nullptr};
  static inline GSourceFuncs first_ = {&PrepareFirst, nullptr, &Dispatch,
                                       nullptr,       nullptr, nullptr};
};

TEST_F(GlibOwn, ItFiresAndItIsFreed) {
  finalized = false;
  GSource* const source = g_source_new(&once_, sizeof(GSource));
  g_source_attach(source, nullptr);
  EXPECT_EQ(Idle(), 0) << "not a timer yet";
  g_source_set_ready_time(source, g_get_monotonic_time() + 1000);
  EXPECT_EQ(Live(), 1);
  RunUntil([&] { return Live() == 0; });
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 0);
  EXPECT_EQ(Idle(), 1);
  g_source_destroy(source);
  g_source_unref(source);
  EXPECT_TRUE(finalized);
  EXPECT_EQ(Idle(), 0);
}

TEST_F(GlibOwn, AReadyTimeBeforeItIsAttachedCounts) {
  GSource* const source = g_source_new(&once_, sizeof(GSource));
  g_source_set_ready_time(source, g_get_monotonic_time() + 1000);
  EXPECT_EQ(Live(), 0);
  g_source_attach(source, nullptr);
  EXPECT_EQ(Live(), 1);
  RunUntil([&] { return Fired() == 1; });
  g_source_destroy(source);
  g_source_unref(source);
}

TEST_F(GlibOwn, AReadyTimeOfZeroIsDueAtOnce) {
  GSource* const source = g_source_new(&once_, sizeof(GSource));
  g_source_set_ready_time(source, 0);
  g_source_attach(source, nullptr);
  ASSERT_EQ(Live(), 1);
  RunUntil([&] { return Fired() == 1; });
  g_source_set_ready_time(source, 0);
  ASSERT_EQ(Live(), 1);
  RunUntil([&] { return Fired() == 2; });
  g_source_destroy(source);
  g_source_unref(source);
}

TEST_F(GlibOwn, OneThatIsDispatchedForAnotherReasonHasNotFired) {
  dispatched = 0;
  GSource* const source = g_source_new(&first_, sizeof(GSource));
  g_source_attach(source, nullptr);
  g_source_set_ready_time(source, g_get_monotonic_time() + 1000 * G_USEC_PER_SEC);
  RunUntil([&] { return dispatched == 1; });
  EXPECT_EQ(Fired(), 0);
  EXPECT_EQ(Ticks(), 0);
  EXPECT_EQ(Live(), 1);
  g_source_destroy(source);
  g_source_unref(source);
}

TEST_F(GlibOwn, ToArmInItsOwnDispatchFiresAndArms) {
  GSource* const source = g_source_new(&again_, sizeof(GSource));
  g_source_attach(source, nullptr);
  g_source_set_ready_time(source, 0);
  RunUntil([&] { return Fired() == 3; });
  EXPECT_EQ(Armed(), 4);
  EXPECT_EQ(Stopped(), 0);
  EXPECT_EQ(Ticks(), 0);
  g_source_destroy(source);
  g_source_unref(source);
  EXPECT_EQ(Stopped(), 1);
}

TEST_F(GlibOwn, ItIsStillFoundByItsFunctions) {
  int data = 0;
  GSource* const source = g_source_new(&once_, sizeof(GSource));
  g_source_set_callback(source, &Remove, &data, nullptr);
  g_source_attach(source, nullptr);
  g_source_set_ready_time(source, g_get_monotonic_time() + G_USEC_PER_SEC);
  EXPECT_EQ(g_main_context_find_source_by_funcs_user_data(nullptr, &once_, &data), source);
  EXPECT_EQ(g_main_context_find_source_by_funcs_user_data(nullptr, &again_, &data), nullptr);
  g_source_unref(source);
  EXPECT_EQ(g_source_remove_by_funcs_user_data(&once_, &data), TRUE);
  EXPECT_EQ(g_source_remove_by_funcs_user_data(&once_, &data), FALSE) << "there is none";
  EXPECT_EQ(Stopped(), 1);
}

TEST_F(Glib, AContextThatIsFreedStopsWhatIsPending) {
  GMainContext* const context = g_main_context_new();
  for (int i = 0; i < 3; ++i) {
    GSource* const source = g_timeout_source_new(kLater);
    g_source_attach(source, context);
    g_source_unref(source);
  }
  EXPECT_EQ(Live(), 3);
  g_main_context_unref(context);
  EXPECT_EQ(Stopped(), 3);
}

TEST_F(Glib, ACallbackMayGiveBackItsLoop) {
  GMainContext* const context = g_main_context_new();
  static GMainLoop* loop;
  loop = g_main_loop_new(context, FALSE);
  g_main_context_unref(context);
  for (const guint delay : {1u, kLater}) {
    GSource* const source = g_timeout_source_new(delay);
    const auto end = [](gpointer) -> gboolean {
      g_main_loop_quit(loop);
      g_main_loop_unref(loop);
      return G_SOURCE_REMOVE;
    };
    g_source_set_callback(source, end, nullptr, nullptr);
    g_source_attach(source, context);
    g_source_unref(source);
  }
  g_main_loop_run(loop);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Stopped(), 1) << "which was pending";
}

TEST_F(Glib, ACallbackThatThrowsHasFired) {
  GMainContext* const context = g_main_context_new();
  GSource* const source = g_timeout_source_new(1);
  const auto throws = [](gpointer) -> gboolean { throw std::runtime_error("of the callback"); };
  {
    const afterleak::test::Lost lost;  // GLib keeps a reference to it while it dispatches
    g_source_set_callback(source, throws, nullptr, nullptr);
  }
  g_source_attach(source, context);
  const auto run = [&] {
    for (;;) g_main_context_iteration(context, TRUE);
  };
  EXPECT_THROW(run(), std::runtime_error);
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(Live(), 0) << "GLib will not call it again";
  EXPECT_EQ(Idle(), 1);
  g_source_set_ready_time(source, g_get_monotonic_time() + G_USEC_PER_SEC);
  g_source_destroy(source);
  EXPECT_EQ(Stopped(), 1) << "nothing is dispatched now";
  g_source_unref(source);  // that of GLib's dispatcher, which did not come to it
  g_source_unref(source);
  g_main_context_iteration(context, FALSE);  // its list of what is to be dispatched is old
  g_main_context_unref(context);
}

TEST_F(Glib, ContextsOfOtherThreadsAreSeenAndNoFiringIsMissed) {
  GMainContext* const context = g_main_context_new();
  std::atomic<bool> over = false;
  std::thread runner([&] {
    while (!over) g_main_context_iteration(context, TRUE);
  });
  constexpr int kTimers = 1000;
  for (int i = 0; i < kTimers; ++i) {
    GSource* const source = g_timeout_source_new(0);
    g_source_set_callback(source, &Remove, nullptr, nullptr);
    g_source_attach(source, context);
    g_source_unref(source);
  }
  while (Fired() < kTimers) std::this_thread::yield();
  over = true;
  g_main_context_wakeup(context);
  runner.join();
  g_main_context_unref(context);
  EXPECT_EQ(Armed(), kTimers);
}

TEST_F(Glib, WhatItRefusesIsNotArmed) {
  GSource* const source = Attached(kLater);
  GLogFunc const silent = [](const gchar*, GLogLevelFlags, const gchar*, gpointer) {};
  GLogFunc const loud = g_log_set_default_handler(silent, nullptr);
  EXPECT_EQ(g_source_attach(source, nullptr), 0u) << "attached already";
  EXPECT_EQ(g_timeout_add(1, nullptr, nullptr), 0u);
  g_source_destroy(source);
  EXPECT_EQ(g_source_attach(source, nullptr), 0u) << "destroyed";
  EXPECT_FALSE(g_source_remove(4'000'000));
  g_source_set_ready_time(nullptr, 0);
  g_log_set_default_handler(loud, nullptr);
  EXPECT_EQ(Armed(), 1);
  g_source_unref(source);
}

TEST_F(Glib, ThousandsAreCountedAndLoseNothing) {
  constexpr int kTimers = 4000;
  std::vector<guint> later;
  for (int i = 0; i < kTimers; ++i) {
    const guint id = g_timeout_add(i % 2 == 0 ? 1 : kLater, &Remove, nullptr);
    if (i % 2 != 0) later.push_back(id);
  }
  EXPECT_EQ(Live(), kTimers);
  RunUntil([&] { return Fired() == kTimers / 2; });
  EXPECT_EQ(Live(), kTimers / 2);
  for (const guint id : later) g_source_remove(id);
  EXPECT_EQ(Stopped(), kTimers / 2);
}

[[gnu::noinline]] guint ArmSomething() {
  const guint id = g_timeout_add(kLater, &Remove, nullptr);
  return id + (id == 0);
}
constexpr int kLine = __LINE__ - 3;

TEST_F(Glib, TheSiteIsTheLineThatArmed) {
  const guint id = ArmSomething();
  EXPECT_THAT(loops::Report(), afterleak::test::HasLiveAt(kLine, "g_timeout_add"));
  g_source_remove(id);
}

TEST_F(Glib, IsWatched) {
  EXPECT_THAT(loops::Watched(), afterleak::test::Sees(loops::Library::kGlib));
}

}  // namespace
