#include "watch/openmetrics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <functional>

#include "watch/text.h"

namespace afterleak::watch {
namespace {

// What stands between the quotes of a label.
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : ValidUtf8(text)) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string Labels(std::string_view service, const SiteRow& row) {
  return fmt::format(R"(service="{}",site="{}",function="{}",kind="{}",called_from="{}")", service,
                     Escaped(SiteOf(row)), Escaped(row.function), Escaped(row.kind),
                     Escaped(fmt::to_string(fmt::join(row.called_from, " < "))));
}

struct OfSite {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  double (*value)(const SiteRow& row);
};
constexpr auto kOfSites = std::to_array<OfSite>({
    {"afterleak_timers_live", "gauge", "Timers that are armed, and neither fired nor stopped.",
     [](const SiteRow& row) { return static_cast<double>(row.live); }},
    {"afterleak_timers_idle", "gauge",
     "Timers that fired or were stopped, and are neither freed nor armed again.",
     [](const SiteRow& row) { return static_cast<double>(row.idle); }},
    {"afterleak_timers_peak", "gauge", "The most that were live at once since the start.",
     [](const SiteRow& row) { return static_cast<double>(row.peak_live); }},
    {"afterleak_timers_armed_total", "counter", "Timers armed since the start.",
     [](const SiteRow& row) { return static_cast<double>(row.armed); }},
    {"afterleak_timers_fired_total", "counter", "Of those armed, the ones that fired.",
     [](const SiteRow& row) { return static_cast<double>(row.fired); }},
    {"afterleak_timers_stopped_total", "counter", "Of those armed, the ones that were stopped.",
     [](const SiteRow& row) { return static_cast<double>(row.stopped); }},
    {"afterleak_timers_oldest_seconds", "gauge", "The age of the oldest live timer.",
     [](const SiteRow& row) { return row.live == 0 ? 0 : Seconds(row.oldest_age); }},
    {"afterleak_site_idle_grows", "gauge", "1 where more and more timers are idle, and not freed.",
     [](const SiteRow& row) { return row.idle_grows ? 1.0 : 0.0; }},
});

std::string Head(std::string_view name, std::string_view type, std::string_view help) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

}  // namespace

std::string ToOpenMetrics(const Report& report, std::string_view service, Duration period,
                          std::chrono::system_clock::time_point now) {
  const std::string name = Escaped(service);
  std::string out;
  const auto of_watch = [&](std::string_view metric, std::string_view help, double value) {
    out += Head(metric, "gauge", help);
    out += fmt::format("{}{{service=\"{}\"}} {}\n", metric, name, value);
  };
  of_watch("afterleak_watch_running", "1 while the program runs, 0 once it has ended.",
           report.ended ? 0 : 1);
  of_watch("afterleak_watch_watched_seconds", "For how long the program was watched.",
           Seconds(report.watched));
  of_watch("afterleak_watch_period_seconds", "How often this is written while the program runs.",
           Seconds(period));
  of_watch("afterleak_watch_written_timestamp_seconds", "When this was written.",
           std::chrono::duration<double>(now.time_since_epoch()).count());

  std::vector<std::pair<const SiteRow*, std::string>> rows;
  for (const SiteRow& row : report.sites) {
    // One is idle between its making and its arming; a series must not come and go with that.
    if (row.armed > 0 || row.peak_idle > 1) rows.emplace_back(&row, Labels(name, row));
  }
  for (const OfSite& metric : kOfSites) {
    out += Head(metric.name, metric.type, metric.help);
    for (const auto& [row, labels] : rows)
      out += fmt::format("{}{{{}}} {}\n", metric.name, labels, metric.value(*row));
  }
  out += Head("afterleak_site_word", "gauge", "1 at the word that the judge has for the site.");
  for (const auto& [row, labels] : rows) {
    for (const Word word : {Word::kLeak, Word::kGrows, Word::kNotEnough, Word::kNoSign})
      out += fmt::format("afterleak_site_word{{{},word=\"{}\"}} {}\n", labels, ToString(word),
                         row->word == word ? 1 : 0);
  }
  return out;
}

}  // namespace afterleak::watch
