// The units of work that a program names (afterleak/watch.h), and which timer was armed in which:
// what is live after its work has ended is left behind. Part of a census, and locked as that is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "afterleak/census/clock.h"
#include "afterleak/census/mapped_array.h"

namespace afterleak::internal {

class Works {
 public:
  // Names one that has not ended; 0 is none. Not used twice.
  using Work = std::uint64_t;

  // O(1). Throws std::bad_alloc.
  Work Begin(Work outer) {
    if (free_ == 0) {
      if (slots_.size() == 0) slots_.Grow();  // 0 is none
      free_ = static_cast<std::uint32_t>(slots_.Grow());
    }
    const std::uint32_t index = free_;
    Slot& slot = slots_[index];
    free_ = slot.next_free;
    slot = {.outer = outer, .ended_at = kOpen, .uses = slot.uses + 1, .live = 0, .next_free = 0};
    return Work{slot.uses} << 32 | index;
  }

  bool IsOpen(Work work) const {
    const auto index = static_cast<std::uint32_t>(work);
    return index != 0 && index < slots_.size() && slots_[index].uses == work >> 32 &&
           slots_[index].ended_at == kOpen;
  }

  // It must be open. Returns the one around it.
  Work End(Work work, Time now) {
    const auto index = static_cast<std::uint32_t>(work);
    Slot& slot = slots_[index];
    slot.ended_at = now.time_since_epoch().count();
    ++ended_;
    const Work outer = slot.outer;
    FreeIfUnused(index);
    return outer;
  }

  // The record was opened in that work, which is open. Throws std::bad_alloc.
  void Adopt(std::uint32_t ticket, Work work) {
    while (work_of_.size() <= ticket) work_of_.Grow();
    work_of_[ticket] = static_cast<std::uint32_t>(work);
    ++slots_[work_of_[ticket]].live;
  }

  // The record is closed.
  void Forget(std::uint32_t ticket) {
    if (ticket >= work_of_.size() || work_of_[ticket] == 0) return;
    const std::uint32_t index = work_of_[ticket];
    work_of_[ticket] = 0;
    --slots_[index].live;
    FreeIfUnused(index);
  }

  // Of which ended work the record is, if that was before `instant`; or else 0.
  std::uint32_t EndedWorkOf(std::size_t ticket, Time instant) const {
    if (ticket >= work_of_.size() || work_of_[ticket] == 0) return 0;
    return slots_[work_of_[ticket]].ended_at < instant.time_since_epoch().count() ? work_of_[ticket]
                                                                                  : 0;
  }

  std::int64_t ended() const { return ended_; }

 private:
  static constexpr std::int64_t kOpen = INT64_MAX;

  // Of a unit that is open, or of which something is live; or free.
  struct Slot {
    Work outer;
    std::int64_t ended_at;
    std::uint32_t uses;
    std::uint32_t live;
    std::uint32_t next_free;
  };

  void FreeIfUnused(std::uint32_t index) {
    Slot& slot = slots_[index];
    if (slot.live > 0 || slot.ended_at == kOpen) return;
    slot.next_free = free_;
    free_ = index;
  }

  MappedArray<Slot> slots_;
  MappedArray<std::uint32_t> work_of_;  // by ticket
  std::uint32_t free_ = 0;
  std::int64_t ended_ = 0;
};

}  // namespace afterleak::internal
