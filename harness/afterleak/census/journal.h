// Journal: the life of every timer of a census, from arming to end. A census keeps counters and the
// live timers; a journal keeps all of them, for traces and pictures.
//
// It belongs to a census, which alone writes to it (Census::KeepJournal); users read it through
// Bubble::Lives. Like the census, it is not thread-safe. It costs about 150 bytes for every timer
// ever armed, and charges none of that to a heap::Scope.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "afterleak/census/clock.h"
#include "afterleak/census/site.h"

namespace afterleak {

struct TimerKind;

enum class TimerEnd : std::uint8_t {
  kLive,          // it has not ended
  kReceived,      // at its deadline, with a receiver waiting
  kFired,         // at its deadline: a callback, a context, or a value left in the channel
  kFiredUnheard,  // at its deadline, when nobody could receive from it any more
  kStopped,       // by Stop, Reset or a cancelled context
  kCollected,     // when its last handle went (timer mode go123)
};

// In words: "live", "received", "fired", "fired unheard", "stopped", "collected".
std::string_view ToString(TimerEnd end);

struct TimerLife {
  const TimerKind* kind = nullptr;
  Site site;
  Time armed{};
  Time deadline{};                // of a ticker, the first one; the largest Time for "never"
  std::optional<Time> abandoned;  // since when nobody can hear it
  std::vector<Time> ticks;        // of a ticker
  std::optional<Time> ended;
  TimerEnd end = TimerEnd::kLive;
};

class Journal {
 public:
  // `now` gives the instant of each entry.
  explicit Journal(std::function<Time()> now) : now_(std::move(now)) {}

  // In the order of arming.
  const std::vector<TimerLife>& lives() const { return lives_; }

 private:
  friend class Census;
  using Ticket = std::uint32_t;  // Census::Ticket

  void Arm(Ticket ticket, const TimerKind& kind, const Site& site, Time now, Time deadline);
  void Abandon(Ticket ticket, Time now);
  void Tick(Ticket ticket);
  void End(Ticket ticket, TimerEnd end);

  TimerLife& Of(Ticket ticket) { return lives_[open_[ticket]]; }

  const std::function<Time()> now_;
  std::vector<TimerLife> lives_;
  std::vector<std::size_t> open_;  // by ticket: the life it currently stands for
};

}  // namespace afterleak
