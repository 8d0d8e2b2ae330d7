// For the tests of pairs: what a side did, and when, as lines that can be compared.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "afterleak/afterleak.h"
#include "afterleak/census/duration.h"
#include "pairs/looping_select.h"

namespace pairs {

// Lines such as "3s polled". It must outlive the bubble in which its work is done. Only one
// goroutine writes, and others read once the bubble has settled.
class Diary {
 public:
  // Notes it at the present instant of the bubble.
  void Note(std::string_view what) {
    lines_.push_back(afterleak::FormatDuration(afterleak::time::Now().time_since_epoch()) + " " +
                     std::string(what));
  }

  // The work of a loop, which takes no time.
  Work Loop() {
    return {.handle = [this](const std::string& message) { Note("handled " + message); },
            .poll = [this] { Note("polled"); }};
  }

  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

}  // namespace pairs
