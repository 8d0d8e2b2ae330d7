// What the checks of all exercises share. A check is a program: the learner's file, one file of
// checks/, and this one.
//
//   const Exercise kExercise = {.behaviour = ..., .load = ..., .paths = ...};
//
// Where the learner writes a test, tested.h takes over. Else it asks in this order, and stops at
// the first thing that is wrong:
//
//   behaviour   does the code keep its promise? It does not if work is deleted or a time shortened
//   load        do 10 N turns leave as much alive as N turns, and nothing abandoned?
//   paths       and on the ways out that the load does not take?
//   instants    and if two things happen at the very same instant, in whichever order?
//   left        and is everything gone when the last call of each part has returned?
//
// The judge decides (census/judge.h), so a goroutine that sleeps in place of a timer counts too.
// Each part is done with timers as in go122, and then as in go123, in a bubble for itself. A part
// lets every call that it starts come to its end. The check waits for that, and then
// it asks what is left behind. Exercises on an event loop are asked the same: on_loop.h.
//
// The learner's code is not trusted: it may hang, throw, or end the process (watchdog.h).
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "afterleak/afterleak.h"
#include "afterleak/heap/heap.h"

namespace workshop {

using namespace afterleak;
using namespace std::chrono_literals;

class Counters;  // parts.h

// The first thing that is wrong.
class Failure : public std::runtime_error {
 public:
  // `id` names it permanently; `sentence` tells the learner what is still wrong, and `details`,
  // lines that stand above it, where.
  Failure(std::string id, const std::string& sentence, std::string details = {})
      : std::runtime_error(sentence), id_(std::move(id)), details_(std::move(details)) {}
  const std::string& id() const { return id_; }
  const std::string& details() const { return details_; }

 private:
  std::string id_;
  std::string details_;
};

// Throws the Failure unless `holds`.
void Require(bool holds, const char* id, const std::string& sentence);

// Throws the Failure if anything is alive that was not alive when the part began. The sentence is
// for timers and registrations; goroutines and contexts have one that names them.
void RequireNothingLeft(const char* id, const std::string& sentence);

// Added to instants and spans, so that they are on no grid. Code that looks every so often whether
// something is due, in place of a timer, is late then.
inline constexpr Duration kOffGrid = 7ns;

// What callbacks throw that are to throw. If it leaves a goroutine of the learner's, the part is
// over: what a throw does to other goroutines is not promised.
struct Thrown {};

// A call of the learner's function, in a separate goroutine.
template <typename Result>
struct Call {
  std::optional<Result> result;  // once it has returned
  bool threw = false;            // it ended by Thrown
  Time at{};                     // when it ended

  bool ReturnedAt(Duration since_start) const { return result && at == Time(since_start); }
};

// The calls of the part in progress that have not ended.
std::shared_ptr<sync::WaitGroup> CallsInProgress();

template <std::invocable Function>
auto Start(Function function, std::source_location site = std::source_location::current()) {
  auto call = std::make_shared<Call<std::invoke_result_t<Function>>>();
  const auto calls = CallsInProgress();
  calls->Add(1);
  Go(
      [call, calls, function = std::move(function)] {
        const Defer done([&] { calls->Done(); });
        try {
          call->result = function();
        } catch (const Thrown&) {
          call->threw = true;
        }
        call->at = time::Now();
      },
      site);
  return call;
}

// What a channel holds now.
template <typename T>
std::vector<T> Drain(const Chan<T>& chan) {
  std::vector<T> values;
  while (std::optional<T> value = chan.TryRecv()) values.push_back(std::move(*value));
  return values;
}

// The run that is measured and plotted. Its samples are taken as it goes, at settled instants.
class Load {
 public:
  static constexpr int kFew = 20;           // N
  static constexpr int kTurns = 10 * kFew;  // 10 N

  // Call this when a turn of something that goes on is over.
  void Turn();
  // Call this when a turn is over and what ran in it has returned: nothing of it may be left.
  void Returned();
  // Samples once without a turn, for the plot.
  void Look();

  struct Sample {
    Duration at{};
    CensusTotals census;
  };
  const std::vector<Sample>& samples() const { return samples_; }
  const std::optional<Sample>& few() const { return few_; }
  const std::optional<Sample>& all() const { return all_; }
  const CensusReport& report() const { return report_; }  // after the last turn

  // What the judge finds.
  const std::vector<Finding>& abandoned() const { return abandoned_; }  // in all the turns
  const std::vector<Finding>& grown() const { return grown_; }          // from N turns to 10 N
  const std::vector<Finding>& left() const { return left_; }            // after the worst return
  const heap::Usage& heap_grown() const { return heap_grown_; }         // from N turns to 10 N

 private:
  int turns_ = 0;
  Inventory before_;
  Inventory after_few_;
  heap::Usage heap_few_;
  heap::Usage heap_grown_;
  std::vector<Finding> abandoned_;
  std::vector<Finding> grown_;
  std::vector<Finding> left_;
  std::vector<Sample> samples_;
  std::optional<Sample> few_;
  std::optional<Sample> all_;
  CensusReport report_;
};

// Does 10 N turns, and lets each settle. Throws the Failure if what the code of the part has on the
// heap grows from N turns to 10 N. Does nothing where blocks are not counted.
void RequireFlatHeap(const char* id, const std::string& sentence,
                     const std::function<void(int turn)>& turn);

// A part of a check. Runs as a goroutine of a virtual bubble, for at most `kLimit` of virtual time.
using Part = std::function<void()>;
constexpr Duration kLimit = 1h;

// Where else than in a bubble parts are done. Makes the place, calls `part` with what counts there,
// and ends the place.
using Place = void (*)(const std::function<void(const Counters&)>& part);

struct Exercise {
  const char* things = "timers";  // what its sentences count
  const char* state = "live";     // and when
  Resource plotted = Resource::kTimer;
  // Whether the load must leave as many timers after 10 N turns as after N.
  bool bounded = true;
  std::vector<Part> behaviour{};
  std::function<void(Load&)> load{};
  std::vector<Part> paths{};
  // Each is done in the usual order and in kOrders others that Go might choose (Bubble shuffles).
  std::vector<Part> instants{};
  Place place = nullptr;
  // In place of all that: throws the Failure. The process may do what it likes meanwhile.
  std::function<void()> instead{};
  static constexpr int kOrders = 16;
};

// Each check defines this.
extern const Exercise kExercise;

}  // namespace workshop
