#include "afterleak/census/journal.h"

#include "afterleak/heap/heap.h"

namespace afterleak {

std::string_view ToString(TimerEnd end) {
  switch (end) {
    case TimerEnd::kLive:
      return "live";
    case TimerEnd::kReceived:
      return "received";
    case TimerEnd::kFired:
      return "fired";
    case TimerEnd::kFiredUnheard:
      return "fired unheard";
    case TimerEnd::kStopped:
      return "stopped";
    case TimerEnd::kCollected:
      return "collected";
  }
  return "";
}

void Journal::Arm(Ticket ticket, const TimerKind& kind, const Site& site, Time now, Time deadline) {
  const heap::Scope::Suspend suspend;
  if (ticket >= open_.size()) open_.resize(ticket + std::size_t{1});
  lives_.push_back({.kind = &kind,
                    .site = site,
                    .armed = now,
                    .deadline = deadline,
                    .abandoned = {},
                    .ticks = {},
                    .ended = {}});
  open_[ticket] = lives_.size() - 1;
}

void Journal::Abandon(Ticket ticket, Time now) { Of(ticket).abandoned = now; }

void Journal::Tick(Ticket ticket) {
  const heap::Scope::Suspend suspend;
  Of(ticket).ticks.push_back(now_());
}

void Journal::End(Ticket ticket, TimerEnd end) {
  TimerLife& life = Of(ticket);
  life.ended = now_();
  life.end = end == TimerEnd::kFired && life.abandoned ? TimerEnd::kFiredUnheard : end;
}

}  // namespace afterleak
