// The columns of `afterleak watch --top`, with the keys that sort by them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cli/screen.h"
#include "watch/report.h"

namespace cli {

inline std::int64_t OldestOf(const afterleak::watch::SiteRow& row) {
  return row.live == 0 ? -1 : row.oldest_age.count();
}
inline std::int64_t LeftOf(const afterleak::watch::SiteRow& row) {
  return row.live == 0 ? -1 : row.longest_left.count();
}

struct TopColumn {
  Key key;
  std::string_view name;
  std::size_t width;
  bool only_wide;
  bool duration;
  std::int64_t (*value)(const afterleak::watch::SiteRow&);
};
inline constexpr TopColumn kTopColumns[] = {
    {'l', "live", 6, false, false, [](const auto& row) { return row.live; }},
    {'p', "peak", 6, false, false, [](const auto& row) { return row.peak_live; }},
    {'a', "armed", 8, false, false, [](const auto& row) { return row.armed; }},
    {'f', "fired", 8, true, false, [](const auto& row) { return row.fired; }},
    {'s', "stopped", 8, false, false, [](const auto& row) { return row.stopped; }},
    {'i', "idle", 6, false, false, [](const auto& row) { return row.idle; }},
    {'o', "oldest", 7, false, true, &OldestOf},
    {'e', "left", 8, true, true, &LeftOf}};

}  // namespace cli
