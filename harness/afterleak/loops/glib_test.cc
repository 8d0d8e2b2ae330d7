#include <glib.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "afterleak/loops/loops.h"
#include "tests/support/loop_census.h"
#include "tests/support/lost.h"

namespace {

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
  static inline bool finalized = false;
  static void Finalize(GSource*) { finalized = true; }

  static inline GSourceFuncs once_ = {nullptr, nullptr, &DispatchOnce, &Finalize, nullptr, nullptr};
  static inline GSourceFuncs again_ = {nullptr, nullptr, &DispatchAgain, nullptr, nullptr, nullptr};
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

TEST_F(GlibOwn, ToArmInItsOwnDispatchFiresAndArms) {
  GSource* const source = g_source_new(&again_, sizeof(GSource));
  g_source_attach(source, nullptr);
  g_source_set_ready_time(source, 0);
  RunUntil([&] { return Fired() == 3; });
  EXPECT_EQ(Armed(), 4);
  EXPECT_EQ(Stopped(), 0);
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
  EXPECT_TRUE(g_source_remove_by_funcs_user_data(&once_, &data));
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
