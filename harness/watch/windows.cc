#include "watch/windows.h"

#include <algorithm>

namespace afterleak::watch {

void Windows::Add(const CensusCount& count) {
  Window& window = windows_.emplace_back();
  for (const CensusCount::At& at : count.sites) {
    window.peaks.push_back(at.counted.window_peak_live);
    window.live.push_back(at.counted.live);
  }
  const auto& timers = count.totals[static_cast<std::size_t>(Resource::kTimer)];
  const auto& idle = count.totals[static_cast<std::size_t>(Resource::kIdle)];
  window.end = {.at = count.at, .live = timers.live, .idle = idle.live, .armed = timers.armed};
  if (windows_.size() < kMost) return;
  for (std::size_t i = 0; i < kMost / 2; ++i) {
    const Window& first = windows_[2 * i];
    Window joined = windows_[2 * i + 1];
    for (std::size_t site = 0; site < first.peaks.size(); ++site)
      joined.peaks[site] = std::max(joined.peaks[site], first.peaks[site]);
    windows_[i] = std::move(joined);
  }
  windows_.resize(kMost / 2);
  length_ *= 2;
}

std::vector<CensusReport> Windows::Named(const CensusCount& last, Resource resource,
                                         std::span<const std::string> wrappers) const {
  constexpr std::size_t kFewest = 8;  // of those that are joined
  const std::size_t usable = windows_.size() - windows_.size() / 5;
  const std::size_t joined = std::max<std::size_t>(usable / kFewest, 1);
  std::vector<CensusReport> named;
  CensusCount count = last;
  for (std::size_t w = windows_.size() - usable / joined * joined; w < windows_.size();
       w += joined) {
    for (std::size_t site = 0; site < count.sites.size(); ++site) {
      SiteReport& counted = count.sites[site].counted;
      counted.window_peak_live = 0;
      for (std::size_t i = w; i < w + joined; ++i) {
        const std::vector<std::int64_t>& peaks = windows_[i].peaks;
        if (site < peaks.size() && counted.armed > 0)
          counted.window_peak_live = std::max(counted.window_peak_live, peaks[site]);
      }
    }
    named.push_back(NameSites(count, resource, wrappers));
  }
  return named;
}

Windows::OfSite Windows::Of(std::size_t site) const {
  OfSite of;
  for (const Window& window : windows_) {
    const bool known = site < window.peaks.size();  // later, or not yet
    of.peaks.push_back(known ? window.peaks[site] : 0);
    of.live.push_back(known ? window.live[site] : 0);
  }
  return of;
}

std::vector<Windows::Sample> Windows::Samples() const {
  std::vector<Sample> samples;
  samples.reserve(windows_.size());
  for (const Window& window : windows_) samples.push_back(window.end);
  return samples;
}

}  // namespace afterleak::watch
