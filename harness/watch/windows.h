// Windows of equal length over the whole time that a program was watched: the exact peaks of each
// site in each. There are never many: when they are full, two at a time become one, and the next
// ones are twice as long.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "afterleak/census/census.h"

namespace afterleak::watch {

class Windows {
 public:
  static constexpr std::size_t kMost = 32;

  explicit Windows(Duration first_length) : length_(first_length) {}

  // How long the next window is to be.
  Duration length() const { return length_; }
  std::size_t count() const { return windows_.size(); }

  // A window is over; these are its peaks.
  void Add(const CensusCount& count);

  // From 8 to 15 equal ones behind the warm-up, as the judge wants them: several are joined, since
  // a peak within a short time is in part chance. Fewer if there are no more. `last` has the sites
  // that the indices stand for.
  std::vector<CensusReport> Named(const CensusCount& last, Resource resource,
                                  std::span<const std::string> wrappers = {}) const;

  // Each window's peak and end of a site, given its index in a count.
  struct OfSite {
    std::vector<std::int64_t> peaks;
    std::vector<std::int64_t> live;
  };
  OfSite Of(std::size_t site) const;

  // What was live or idle at the end of each window, in all.
  struct Sample {
    Time at{};
    std::int64_t live = 0;
    std::int64_t idle = 0;
    std::int64_t armed = 0;
  };
  std::vector<Sample> Samples() const;

 private:
  struct Window {
    std::vector<std::int64_t> peaks;  // by the index of the site in a count
    std::vector<std::int64_t> live;   // the same, at its end
    Sample end;
  };

  Duration length_;
  std::vector<Window> windows_;
};

}  // namespace afterleak::watch
