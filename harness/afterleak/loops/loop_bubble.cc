#include "afterleak/loops/loop_bubble.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>
#include <utility>

#include "afterleak/census/duration.h"
#include "afterleak/heap/heap.h"
#include "afterleak/loops/loops.h"
#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_world.h"

namespace afterleak::loops {

using internal::World;

// Asked for by the linker (harness/afterleak/CMakeLists.txt), and with it what stands in front.
extern "C" const char afterleak_loops_time;
const char afterleak_loops_time = 0;

struct LoopBubble::Thread {
  std::function<void()> body;
  std::function<void()> stop;
  std::thread thread{};
  std::atomic<internal::Member*> member{nullptr};
  std::atomic<bool> ended{false};
  std::exception_ptr thrown{};
};

LoopBubble::LoopBubble() : LoopBubble(Options()) {}

LoopBubble::LoopBubble(const Options& options) : options_(options) {
  internal::BringReads();
  if (const char* const name = internal::NotInFront()) {
    throw Stuck(fmt::format(
        "{} does not come to afterleak: link afterleak::loops_time to the program itself, and not "
        "with -static; of preloads, only those that leave the clocks alone",
        name));
  }
  if (!World::Get().Begin(options.pin, options.stuck_after))
    throw Stuck("a process has one bubble at a time: end the other one first");
}

LoopBubble::~LoopBubble() {
  const heap::Scope::Suspend suspend;
  try {
    Finish();
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "afterleak: %s\n", failed.what());
  } catch (...) {
    std::fputs("afterleak: a thread of the bubble threw what is no std::exception\n", stderr);
  }
  World::Get().End();
}

void LoopBubble::Go(std::function<void()> body, std::function<void()> stop) {
  const heap::Scope::Suspend suspend;
  auto thread = std::make_shared<Thread>(std::move(body), std::move(stop));
  threads_.push_back(thread);
  thread->thread = std::thread([thread] {
    thread->member = &World::Self();
    try {
      thread->body();
    } catch (...) {
      thread->thrown = std::current_exception();
      World::Get().Fail(thread->thrown);
    }
    thread->body = nullptr;
    thread->member = nullptr;
    thread->ended = true;
  });
}

void LoopBubble::Advance(Time limit, const std::function<bool()>& done) {
  const std::string stuck = World::Get().AdvanceTo(limit, done);
  if (const auto failure = World::Get().TakeFailure()) std::rethrow_exception(failure);
  if (!stuck.empty()) throw Stuck(stuck);
}

void LoopBubble::AdvanceTo(Time instant) { Advance(instant, {}); }

void LoopBubble::Advance(Duration span) { AdvanceTo(SaturatingAdd(Now(), span)); }

void LoopBubble::At(Time instant, std::function<void()> event) {
  World::Get().At(instant, false, std::move(event));
}

void LoopBubble::SampleAt(Time instant, std::function<void()> sample) {
  World::Get().At(instant, true, std::move(sample));
}

void LoopBubble::Finish() {
  const auto ended = [this] {
    return std::all_of(threads_.begin(), threads_.end(),
                       [](const auto& thread) { return thread->ended.load(); });
  };
  std::exception_ptr failure;  // the first one
  const auto attempt = [&failure](const auto& act) {
    try {
      act();
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  };
  for (const auto& thread : threads_) {
    if (!thread->ended && thread->stop) attempt(thread->stop);
  }
  // What one throws, or an event, keeps nobody from waiting for the others.
  const Time limit = SaturatingAdd(Now(), options_.finish_within);
  for (bool stuck = false; !stuck && !ended() && Now() < limit;) {
    attempt([&] {
      try {
        Advance(limit, ended);
      } catch (const Stuck&) {
        stuck = true;
        throw;
      }
    });
  }
  if (!failure) failure = World::Get().TakeFailure();
  std::string dump;
  for (const auto& thread : threads_) {
    if (thread->ended) {
      thread->thread.join();
      continue;
    }
    if (dump.empty()) dump = World::Get().Threads();
    thread->thread.detach();
    if (auto* const member = thread->member.load()) World::Get().LeaveBehind(*member);
  }
  threads_.clear();
  if (failure) std::rethrow_exception(failure);
  if (!dump.empty()) {
    throw Stuck(fmt::format("a thread has not ended within {} of its stop function:\n{}",
                            FormatDuration(options_.finish_within), dump));
  }
}

Time LoopBubble::Now() const { return World::Get().now(); }

CensusTotals LoopBubble::Totals(Resource resource) const { return loops::Totals(resource); }

CensusReport LoopBubble::Report(Resource resource) const { return loops::Report(resource); }

Inventory LoopBubble::Alive() const { return loops::Alive(); }

LoopBubble::Outside::Outside() { World::Get().EnterOutside(); }
LoopBubble::Outside::~Outside() { World::Get().LeaveOutside(); }

LoopBubble::Hold::Hold() { World::Get().AddHold(1); }
LoopBubble::Hold::~Hold() { World::Get().AddHold(-1); }

}  // namespace afterleak::loops
