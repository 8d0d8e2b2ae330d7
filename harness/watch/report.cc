#include "watch/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/duration.h"
#include "afterleak/census/symbols.h"

namespace afterleak::watch {
namespace {

using Key = std::tuple<std::string, std::uint32_t, std::uint32_t, std::string,
                       std::vector<std::string>, std::string>;

Key KeyOf(const auto& row) {
  return {row.file, row.line, row.column, row.function, row.called_from, row.kind};
}

bool IsArmedByAsio(const CensusCount::At& at) {
  if (!at.kind->name.starts_with("timerfd_") || at.site.call_stack() == nullptr ||
      at.site.call_stack()->frames.empty())
    return false;
  const auto& frames = internal::FramesAt(at.site.call_stack()->frames.front());
  return std::ranges::any_of(frames, [](const internal::Frame& frame) {
    return frame.function.starts_with("asio::") || frame.function.starts_with("boost::asio::");
  });
}

// Such sites stay where they are, since windows go by their index, and count nothing.
bool LeaveOutAsio(CensusCount& count) {
  bool any = false;
  for (CensusCount::At& at : count.sites) {
    if (!IsArmedByAsio(at)) continue;
    any = true;
    at.counted = SiteReport();
  }
  return any;
}

void AddFindings(std::vector<Finding>& all, std::vector<Finding> more) {
  for (Finding& finding : more) {
    const bool known = std::ranges::any_of(all, [&](const Finding& other) {
      return other.leak == finding.leak && KeyOf(other) == KeyOf(finding);
    });
    if (!known) all.push_back(std::move(finding));
  }
}

// Stacks that have the same names are one site.
void AddWindows(const CensusCount& last, const Seen& seen, Report& report) {
  std::map<Key, SiteRow*> rows;
  for (SiteRow& row : report.sites) rows.emplace(KeyOf(row), &row);
  for (std::size_t i = 0; i < last.sites.size(); ++i) {
    const CensusCount::At& at = last.sites[i];
    if (at.kind->resource != Resource::kTimer || at.counted.armed == 0) continue;
    SiteReport place;
    static_cast<Place&>(place) = PlaceOf(at.site, seen.wrappers, at.kind->name);
    place.kind = at.kind->name;
    SiteRow& row = *rows.at(KeyOf(place));
    const Windows::OfSite of = seen.windows.Of(i);
    row.window_peaks.resize(of.peaks.size());
    row.window_live.resize(of.live.size());
    std::ranges::transform(row.window_peaks, of.peaks, row.window_peaks.begin(), std::plus());
    std::ranges::transform(row.window_live, of.live, row.window_live.begin(), std::plus());
  }
}

void AddStacks(const CensusCount& last, Report& report) {
  std::map<std::pair<const internal::CallStack*, std::string_view>, StackRow> stacks;
  for (const CensusCount::At& at : last.sites) {
    const SiteReport& counted = at.counted;
    const bool is_idle = at.kind->resource == Resource::kIdle;
    if (at.site.call_stack() == nullptr || (is_idle ? counted.live : counted.armed) == 0) continue;
    StackRow& row = stacks[{at.site.call_stack(), at.kind->name}];
    (is_idle ? row.idle : row.live) += counted.live;
    if (!is_idle) row.armed += counted.armed;
  }
  for (auto& [key, row] : stacks) {
    row.frames.assign(key.first->frames.begin(), key.first->frames.end());
    row.kind = key.second;
    report.stacks.push_back(std::move(row));
  }
}

// Since its first one there was more than twice the time of its longest time limit.
bool CouldRunOut(const SiteRow& site, const Report& report, Time now) {
  const auto first =
      std::ranges::find_if(site.window_peaks, [](std::int64_t peak) { return peak > 0; });
  if (first == site.window_peaks.end()) return false;
  const auto window = static_cast<std::size_t>(first - site.window_peaks.begin());
  return now - report.samples[window].at > 2 * site.longest_timeout;
}

// What outlived others, as far as that is evidence. Where a limit could run out and none ever did,
// none was forgotten before: those that are live are the ones of now, as of a pool whose load ebbs.
void JudgeOutlivedByTime(Report& report, Time now) {
  std::erase_if(report.findings, [&](Finding& finding) {
    const auto site = std::ranges::find_if(
        report.sites, [&](const SiteRow& row) { return KeyOf(row) == KeyOf(finding); });
    if (finding.leak != Leak::kOutlived || site == report.sites.end() ||
        site->longest_timeout == Duration(0))
      return false;
    if (CouldRunOut(*site, report, now)) return site->fired + site->ticks == 0;
    finding.evidence += fmt::format(
        "; not watched for twice its longest time limit, {}: what waits for a peer that is gone, "
        "or in a pool at rest, looks the same until then",
        FormatDuration(site->longest_timeout));
    return false;
  });
}

// Idle objects have the place and the kind of their timers, or of what made them.
void AddIdle(const CensusReport& idle, Report& report) {
  for (const SiteReport& site : idle.sites) {
    if (site.peak_live == 0) continue;
    auto row = std::ranges::find_if(
        report.sites, [&](const SiteRow& other) { return KeyOf(other) == KeyOf(site); });
    if (row == report.sites.end()) {
      row = report.sites.emplace(report.sites.end());
      static_cast<Place&>(*row) = site;
      row->kind = site.kind;
      row->word = Word::kNotEnough;
    }
    row->idle = site.live;
    row->peak_idle = site.peak_live;
  }
}

// What each row's word rests on; and what grows though none of it is live.
void AddEvidence(Report& report) {
  const auto add = [&report](const std::vector<Finding>& findings, std::string_view before) {
    for (const Finding& finding : findings) {
      for (SiteRow& row : report.sites) {
        if (KeyOf(row) != KeyOf(finding)) continue;
        row.evidence += row.evidence.empty() ? "" : "; ";
        row.evidence += before;
        row.evidence += finding.evidence;
      }
    }
  };
  add(report.findings, "");
  add(report.idle, "idle ones grow: ");
  for (SiteRow& row : report.sites) {
    row.idle_grows = std::ranges::any_of(
        report.idle, [&](const Finding& finding) { return KeyOf(finding) == KeyOf(row); });
    if (row.idle_grows && row.word != Word::kLeak) row.word = Word::kGrows;
  }
}

}  // namespace

std::int64_t Report::Armed() const {
  std::int64_t armed = 0;
  for (const SiteRow& site : sites) armed += site.armed;
  return armed;
}

bool Judge(const Seen& seen, const Allowance& allowed, const Earlier* earlier, Report& report) {
  CensusCount last = seen.last, before = seen.before;
  const bool asio = LeaveOutAsio(last);
  LeaveOutAsio(before);
  const CensusReport timers = NameSites(last, Resource::kTimer, seen.wrappers);
  const auto windows = seen.windows.Named(last, Resource::kTimer, seen.wrappers);
  const auto idle_windows = seen.windows.Named(last, Resource::kIdle, seen.wrappers);

  report.windows = seen.windows.count();
  report.samples = seen.windows.Samples();
  for (const SiteReport& site : timers.sites) {
    if (site.armed > 0) static_cast<SiteReport&>(report.sites.emplace_back()) = site;
  }
  AddWindows(last, seen, report);

  AddFindings(report.findings, JudgeAbandoned(timers, allowed));
  AddFindings(report.findings, JudgeLeftBehind(timers, allowed));
  AddFindings(report.findings, JudgeOutlived(timers, allowed));
  const CensusReport timers_before = NameSites(before, Resource::kTimer, seen.wrappers);
  AddFindings(report.findings, JudgeLeftBehind(timers_before, allowed));
  AddFindings(report.findings, JudgeOutlived(timers_before, allowed));
  JudgeOutlivedByTime(report, last.at);
  AddFindings(report.findings, JudgeGrowing(windows, allowed));
  report.idle = JudgeGrowing(idle_windows, allowed);
  if (earlier != nullptr) {
    const CensusReport idle = NameSites(last, Resource::kIdle, seen.wrappers);
    AddFindings(report.findings, JudgeGrowingWithWork(earlier->timers, timers, allowed));
    AddFindings(report.idle, JudgeGrowingWithWork(earlier->idle, idle, allowed));
  }
  KeepFirstOfEachSite(report.findings);

  report.peak = timers.totals.peak_live;
  report.peak_idle = last.totals[static_cast<std::size_t>(Resource::kIdle)].peak_live;
  for (SiteRow& row : report.sites)
    row.word = WordFor(row, report.findings, report.watched, report.windows);
  AddStacks(last, report);
  AddIdle(NameSites(last, Resource::kIdle, seen.wrappers), report);
  AddEvidence(report);
  std::ranges::stable_sort(report.sites, [](const SiteRow& a, const SiteRow& b) {
    return std::tuple(a.word, -a.peak_live) < std::tuple(b.word, -b.peak_live);
  });
  return asio;
}

}  // namespace afterleak::watch
