#include "afterleak/census/judge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "afterleak/census/duration.h"

namespace afterleak {
namespace {

// What makes two rows the same site.
template <typename Row>
auto KeyOf(const Row& row) {
  return std::tie(row.kind, row.file, row.line, row.column, row.function, row.called_from);
}

using OwnKey = std::tuple<std::string, std::string, std::uint32_t, std::uint32_t, std::string,
                          std::vector<std::string>>;

Finding FindingAt(Leak leak, const auto& row) {
  Finding finding;
  static_cast<Place&>(finding) = row;
  finding.leak = leak;
  finding.kind = row.kind;
  finding.cure = row.cure;
  return finding;
}

void MostFirst(std::vector<Finding>& findings) {
  std::ranges::sort(findings, [](const Finding& a, const Finding& b) {
    return std::tuple(b.count, KeyOf(a), std::tie(a.waits)) <
           std::tuple(a.count, KeyOf(b), std::tie(b.waits));
  });
}

std::string Bytes(std::int64_t bytes) {
  if (bytes < 10 * 1024) return fmt::format("{} bytes", bytes);
  if (bytes < 10 * 1024 * 1024) return fmt::format("{} KiB", bytes / 1024);
  return fmt::format("{} MiB", bytes / (1024 * 1024));
}

}  // namespace

std::string_view ToString(Leak leak) {
  switch (leak) {
    case Leak::kAbandoned:
      return "abandoned";
    case Leak::kLeftBehind:
      return "left behind";
    case Leak::kGrowing:
      return "growing";
    case Leak::kOutlived:
      return "outlived";
  }
  return "";
}

std::string ToString(const Finding& finding) {
  std::string out = fmt::format("{}: {} x {}", ToString(finding.leak), finding.count, finding.kind);
  if (!finding.file.empty())
    out += fmt::format("\n    {}:{} {}", finding.file, finding.line, finding.function);
  for (const std::string& caller : finding.called_from) out += "\n        from " + caller;
  if (!finding.waits.empty()) out += "\n    waits in " + finding.waits;
  std::string weight = finding.evidence;
  if (finding.bytes > 0)
    weight += fmt::format("{}{}", weight.empty() ? "" : "; ", Bytes(finding.bytes));
  if (finding.byte_seconds > 0)
    weight += fmt::format(", {:.0f} byte-seconds lost", finding.byte_seconds);
  if (!weight.empty()) out += "\n    " + weight;
  if (!finding.cure.empty()) out += "\n    cure: " + finding.cure;
  return out + "\n";
}

// ---- allowances

Allowance& Allowance::Each(std::int64_t count) {
  each_ = count;
  return *this;
}

Allowance& Allowance::At(std::string site, std::int64_t count) {
  entries_.push_back({std::move(site), count});
  return *this;
}

Allowance Allowance::Parse(std::string_view text) {
  Allowance allowance;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string site, count, more;
    if (!(words >> site)) continue;
    std::int64_t value = kAny;
    if (words >> count) {
      const char* const end = count.data() + count.size();
      const auto [stop, error] = std::from_chars(count.data(), end, value);
      if (error != std::errc() || stop != end || value < 0 || words >> more)
        throw std::invalid_argument(
            fmt::format("line {}: '{}' is no allowance; write SITE, or SITE COUNT", number, line));
    }
    allowance.At(std::move(site), value);
  }
  return allowance;
}

Allowance Allowance::FromFile(const std::string& path) {
  std::ifstream file(path);
  file.peek();  // a folder can be opened
  if (!file) throw std::runtime_error(fmt::format("{}: cannot be read", path));
  std::ostringstream text;
  text << file.rdbuf();
  try {
    return Parse(text.str());
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(fmt::format("{}: {}", path, error.what()));
  }
}

std::int64_t Allowance::For(std::string_view file, std::uint32_t line,
                            std::string_view function) const {
  std::int64_t count = each_;
  for (const Entry& entry : entries_) {
    if (SiteFits(entry.site, file, line, function)) count = entry.count;
  }
  return count;
}

// ---- the three kinds

void Take(const CensusReport& report, Inventory& inventory) {
  inventory.at = report.at;
  for (const SiteReport& site : report.sites) {
    if (site.live == 0 && site.ever_abandoned == 0) continue;
    Holding holding;
    static_cast<Place&>(holding) = site;
    holding.kind = site.kind;
    holding.count = site.live;
    holding.bytes = site.live_bytes;
    holding.ever_abandoned = site.ever_abandoned;
    holding.bytes_each = site.bytes_each;
    holding.byte_seconds = site.byte_seconds_lost;
    holding.cure = site.cure;
    inventory.holdings.push_back(std::move(holding));
  }
}

std::vector<Finding> JudgeAbandoned(const CensusReport& report, const Allowance& allowed) {
  std::vector<Finding> findings;
  for (const SiteReport& site : report.sites) {
    if (site.peak_abandoned <= allowed.For(site.file, site.line, site.function)) continue;
    Finding finding = FindingAt(Leak::kAbandoned, site);
    finding.count = site.peak_abandoned;
    finding.bytes = site.peak_abandoned * site.bytes_each;
    finding.byte_seconds = site.byte_seconds_lost;
    finding.evidence = fmt::format("nobody can hear or cancel them: {} at once, {} of {} in all",
                                   site.peak_abandoned, site.ever_abandoned, site.armed);
    findings.push_back(std::move(finding));
  }
  MostFirst(findings);
  return findings;
}

std::vector<Finding> JudgeAbandoned(const Inventory& before, const Inventory& after,
                                    const Allowance& allowed) {
  std::vector<Finding> findings;
  for (const Holding& now : after.holdings) {
    const auto then = std::ranges::find_if(
        before.holdings, [&](const Holding& holding) { return KeyOf(holding) == KeyOf(now); });
    const Holding old = then == before.holdings.end() ? Holding() : *then;
    const std::int64_t count = now.ever_abandoned - old.ever_abandoned;
    if (count <= allowed.For(now.file, now.line, now.function)) continue;
    Finding finding = FindingAt(Leak::kAbandoned, now);
    finding.count = count;
    finding.bytes = count * now.bytes_each;
    finding.byte_seconds = now.byte_seconds - old.byte_seconds;
    finding.evidence = "nobody can hear or cancel them";
    findings.push_back(std::move(finding));
  }
  MostFirst(findings);
  return findings;
}

std::vector<Finding> JudgeLeftBehind(const Inventory& before, const Inventory& after,
                                     const Allowance& allowed) {
  // What was armed before, and the work has stopped, is idle now and was there before.
  std::map<OwnKey, std::int64_t> known, out_of_use;
  for (const Holding& holding : before.holdings) {
    known[OwnKey(KeyOf(holding))] += holding.count;
    out_of_use[OwnKey(KeyOf(holding))] += holding.in_use;
  }
  for (const Holding& holding : after.holdings)
    out_of_use[OwnKey(KeyOf(holding))] -= holding.in_use;
  for (const auto& [key, count] : out_of_use) known[key] += std::max<std::int64_t>(count, 0);

  // Goroutines of one site may wait in several places: what was there before is taken from the
  // first of them.
  std::map<OwnKey, std::int64_t> more;
  for (const Holding& holding : after.holdings) more[OwnKey(KeyOf(holding))] += holding.count;
  for (auto& [key, count] : more) count -= known[key];

  std::vector<Finding> findings;
  for (const Holding& holding : after.holdings) {
    std::int64_t& left = more[OwnKey(KeyOf(holding))];
    if (holding.count == 0 || left <= allowed.For(holding.file, holding.line, holding.function))
      continue;
    Finding finding = FindingAt(Leak::kLeftBehind, holding);
    finding.waits = holding.waits;
    finding.evidence = holding.state;
    finding.count = std::min(left, holding.count);
    finding.bytes = holding.bytes / std::max<std::int64_t>(holding.count, 1) * finding.count;
    left -= finding.count;
    findings.push_back(std::move(finding));
  }
  MostFirst(findings);
  return findings;
}

std::vector<Finding> JudgeLeftBehind(const CensusReport& report, const Allowance& allowed) {
  constexpr std::int64_t kFewest = 3;
  std::vector<Finding> findings;
  for (const SiteReport& site : report.sites) {
    if (site.works_leaving < kFewest) continue;
    if (site.left_behind <= allowed.For(site.file, site.line, site.function)) continue;
    Finding finding = FindingAt(Leak::kLeftBehind, site);
    finding.count = site.left_behind;
    finding.bytes = site.left_behind * site.bytes_each;
    finding.evidence =
        fmt::format("live after the end of what armed them: of {} of {} units of work",
                    site.works_leaving, site.works_ended);
    findings.push_back(std::move(finding));
  }
  MostFirst(findings);
  return findings;
}

bool Rises(std::span<const std::int64_t> peaks) {
  constexpr std::size_t kQuarters = 4;
  if (peaks.size() < kQuarters || !std::ranges::is_sorted(peaks)) return false;
  // Sorted: the peak of a quarter is its last one.
  std::int64_t quarter[kQuarters];
  for (std::size_t q = 0; q < kQuarters; ++q)
    quarter[q] = peaks[(q + 1) * peaks.size() / kQuarters - 1];
  return std::ranges::adjacent_find(quarter, std::greater_equal<>()) == std::end(quarter);
}

std::vector<Finding> JudgeGrowing(std::span<const CensusReport> windows, const Allowance& allowed) {
  if (windows.empty()) return {};
  std::vector<Finding> findings;
  for (const SiteReport& last : windows.back().sites) {
    std::vector<std::int64_t> peaks;
    for (const CensusReport& window : windows) {
      const auto same = std::ranges::find_if(
          window.sites, [&](const SiteReport& site) { return KeyOf(site) == KeyOf(last); });
      peaks.push_back(same == window.sites.end() ? 0 : same->window_peak_live);
    }
    if (!Rises(peaks)) continue;
    if (peaks.back() <= allowed.For(last.file, last.line, last.function)) continue;
    Finding finding = FindingAt(Leak::kGrowing, last);
    finding.count = peaks.back();
    finding.bytes = last.live_bytes;
    finding.evidence =
        fmt::format("the most at once, window by window: {}{}", fmt::join(peaks, " "),
                    last.stopped == 0 ? "; none was ever stopped" : "");
    findings.push_back(std::move(finding));
  }
  MostFirst(findings);
  return findings;
}

std::vector<Finding> JudgeGrowingWithWork(const CensusReport& work, const CensusReport& twice,
                                          const Allowance& allowed) {
  constexpr std::int64_t kFewest = 20;
  // What a timer that is armed again elsewhere adds to a site is no growth of them all.
  const std::int64_t more_in_all = twice.totals.peak_live - work.totals.peak_live;
  std::vector<Finding> findings;
  for (const SiteReport& site : twice.sites) {
    const auto same = std::ranges::find_if(
        work.sites, [&](const SiteReport& other) { return KeyOf(other) == KeyOf(site); });
    if (same == work.sites.end() || same->peak_live == 0) continue;
    const std::int64_t more = site.peak_live - same->peak_live;
    if (more < kFewest || 2 * more < same->peak_live || 2 * more_in_all < more) continue;
    if (site.peak_live <= allowed.For(site.file, site.line, site.function)) continue;
    Finding finding = FindingAt(Leak::kGrowing, site);
    finding.count = site.peak_live;
    finding.bytes = site.live_bytes;
    finding.evidence = fmt::format("at most {} at once, and {} with half of the work",
                                   site.peak_live, same->peak_live);
    findings.push_back(std::move(finding));
  }
  MostFirst(findings);
  return findings;
}

std::vector<Finding> JudgeOutlived(const CensusReport& report, const Allowance& allowed) {
  constexpr std::int64_t kFewest = 3;
  std::vector<Finding> findings;
  for (const SiteReport& site : report.sites) {
    if (site.outlived < kFewest) continue;
    if (site.outlived <= allowed.For(site.file, site.line, site.function)) continue;
    Finding finding = FindingAt(Leak::kOutlived, site);
    finding.count = site.outlived;
    finding.bytes = site.outlived * site.bytes_each;
    finding.evidence = fmt::format(
        "up to {} later ones were stopped before them; 99 of 100 that ended, and all that were "
        "stopped, saw at most {}",
        site.most_overtaken, site.usually_overtaken);
    findings.push_back(std::move(finding));
  }
  MostFirst(findings);
  return findings;
}

std::string_view ToString(Word word) {
  switch (word) {
    case Word::kLeak:
      return "leak";
    case Word::kGrows:
      return "grows, not proven";
    case Word::kNotEnough:
      return "not enough evidence";
    case Word::kNoSign:
      return "no sign";
  }
  return "";
}

Word WordFor(const SiteReport& site, std::span<const Finding> findings, Duration watched,
             std::size_t windows) {
  constexpr std::int64_t kFewest = 20;
  constexpr std::size_t kFewestWindows = 8;
  Word word = Word::kNoSign;
  if (site.armed < kFewest || windows < kFewestWindows ||
      (site.stopped < kFewest && 2 * site.longest_timeout > watched))
    word = Word::kNotEnough;
  for (const Finding& finding : findings) {
    if (KeyOf(finding) != KeyOf(site)) continue;
    if (finding.leak != Leak::kGrowing) return Word::kLeak;
    word = Word::kGrows;
  }
  return word;
}

void KeepFirstOfEachSite(std::vector<Finding>& findings) {
  std::vector<Finding> kept;
  for (Finding& finding : findings) {
    const bool known = std::ranges::any_of(kept, [&](const Finding& other) {
      return other.leak != finding.leak && KeyOf(other) == KeyOf(finding);
    });
    if (!known) kept.push_back(std::move(finding));
  }
  findings = std::move(kept);
}

}  // namespace afterleak
