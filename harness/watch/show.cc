// A report as text, as JSON and as CSV.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "afterleak/census/duration.h"
#include "watch/report.h"
#include "watch/text.h"

namespace afterleak::watch {
namespace {

using Json = nlohmann::ordered_json;

std::string Left(const SiteRow& row) {
  if (row.live == 0) return "-";
  return row.longest_left < Duration::zero() ? "0s" : Short(row.longest_left);
}

std::string Where(const SiteRow& row) {
  return fmt::format("{} at {} {}", row.kind, SiteOf(row), row.function);
}

// Words of a field that stand within quotes.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

Json ToJson(const Finding& finding) {
  return {{"leak", ToString(finding.leak)}, {"kind", finding.kind},
          {"file", finding.file},           {"line", finding.line},
          {"function", finding.function},   {"count", finding.count},
          {"evidence", finding.evidence},   {"cure", finding.cure}};
}

}  // namespace

std::string Short(Duration span) {
  using namespace std::chrono_literals;
  if (span > std::chrono::hours(24 * 365 * 100)) return "forever";
  const Duration unit = span >= 1h ? 1min : span >= 1min ? 1s : span >= 1s ? 10ms : 1ms;
  return FormatDuration(span / unit * unit);
}

namespace {

std::string ToText(const Report& report, bool child) {
  std::int64_t live = 0, sites = 0;
  for (const SiteRow& row : report.sites) {
    live += row.live;
    sites += row.armed > 0;
  }
  std::string out = fmt::format("afterleak: {}{} {}; watched for {}{}\n", report.command,
                                child ? fmt::format(" (process {})", report.pid) : "", report.how,
                                Short(report.watched), report.is_virtual ? " of virtual time" : "");
  if (report.Armed() > 0) {
    out += fmt::format("{} timer{} armed at {} site{}, {} live\n", report.Armed(),
                       report.Armed() == 1 ? "" : "s", sites, sites == 1 ? "" : "s", live);
    out += fmt::format("{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "live", "peak", "armed",
                       "fired", "stopped", "idle", "oldest", "left");
  }
  for (const SiteRow& row : report.sites) {
    if (row.armed == 0 && row.idle == 0) continue;  // made there, and armed elsewhere
    out += fmt::format("{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", row.live, row.peak_live,
                       row.armed, row.fired, row.stopped, row.idle,
                       row.live == 0 ? "-" : Short(row.oldest_age), Left(row));
    out += fmt::format("    {}: {}\n", ToString(row.word), Where(row));
    for (const std::string& caller : row.called_from)
      out += fmt::format("        from {}\n", caller);
    if (!row.evidence.empty()) out += fmt::format("      {}\n", row.evidence);
    if (row.word == Word::kLeak) out += fmt::format("      cure: {}\n", row.cure);
  }
  for (const std::string& remark : report.remarks) out += fmt::format("not seen: {}\n", remark);
  for (const Report& each : report.children) {
    if (each.Armed() > 0) out += "\n" + ToText(each, true);
  }
  return out;
}

}  // namespace

std::string ToText(const Report& report) { return ToText(report, false); }

namespace {

Json JsonOf(const Report& report) {
  Json samples = Json::array();
  for (const Windows::Sample& sample : report.samples) {
    samples.push_back({{"seconds", Seconds(sample.at - report.began)},
                       {"live", sample.live},
                       {"idle", sample.idle},
                       {"armed", sample.armed}});
  }
  Json sites = Json::array();
  for (const SiteRow& row : report.sites) {
    sites.push_back({{"word", ToString(row.word)},
                     {"kind", row.kind},
                     {"file", row.file},
                     {"line", row.line},
                     {"function", row.function},
                     {"called_from", row.called_from},
                     {"live", row.live},
                     {"peak", row.peak_live},
                     {"armed", row.armed},
                     {"fired", row.fired},
                     {"stopped", row.stopped},
                     {"put_off", row.put_off},
                     {"ticks", row.ticks},
                     {"idle", row.idle},
                     {"peak_idle", row.peak_idle},
                     {"oldest_seconds", Seconds(row.oldest_age)},
                     {"outlived", row.outlived},
                     {"evidence", row.evidence},
                     {"window_peaks", row.window_peaks},
                     {"window_live", row.window_live}});
    // null: none is live, or the last one never ends
    sites.back()["longest_left_seconds"] =
        row.live == 0 || row.longest_left > std::chrono::hours(24 * 365 * 100)
            ? Json()
            : Json(Seconds(row.longest_left));
  }
  Json findings = Json::array(), idle = Json::array();
  for (const Finding& finding : report.findings) findings.push_back(ToJson(finding));
  for (const Finding& finding : report.idle) idle.push_back(ToJson(finding));
  Json children = Json::array();
  for (const Report& child : report.children) children.push_back(JsonOf(child));
  return {{"command", report.command},
          {"pid", report.pid},
          {"how", report.how},
          {"ended", report.ended},
          {"virtual_time", report.is_virtual},
          {"watched_seconds", Seconds(report.watched)},
          {"windows", report.windows},
          {"peak", report.peak},
          {"peak_idle", report.peak_idle},
          {"not_seen", report.remarks},
          {"samples", samples},
          {"sites", sites},
          {"findings", findings},
          {"idle_grows", idle},
          {"children", children}};
}

// What stands in a binary need not be UTF-8.
std::string Dumped(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

void AddRows(const Report& report, std::string& out) {
  for (const SiteRow& row : report.sites) {
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{:.3f},{}\n",
                       Quoted(ToString(row.word)), Quoted(row.kind), Quoted(row.file), row.line,
                       Quoted(row.function), row.live, row.peak_live, row.armed, row.fired,
                       row.stopped, row.ticks, row.idle, row.peak_idle, Seconds(row.oldest_age),
                       report.pid);
  }
  for (const Report& child : report.children) AddRows(child, out);
}

}  // namespace

std::string ToJson(const Report& report) {
  Json all = {{"schema_version", 1}};
  all.update(JsonOf(report));
  return Dumped(all, 1) + "\n";
}

std::string JsonStream::Next(const Report& report) {
  Json sites = Json::array();
  std::int64_t live = 0, idle = 0;
  for (const SiteRow& row : report.sites) {
    live += row.live;
    idle += row.idle;
    sites.push_back({{"word", ToString(row.word)},
                     {"kind", row.kind},
                     {"file", row.file},
                     {"line", row.line},
                     {"function", row.function},
                     {"live", row.live},
                     {"idle", row.idle},
                     {"armed", row.armed}});
  }
  const Json sample = {{"seconds", Seconds(report.watched)},
                       {"live", live},
                       {"idle", idle},
                       {"armed", report.Armed()},
                       {"sites", sites}};
  const char* const before =
      std::exchange(begun_, true) ? ",\n" : "{\"schema_version\": 1, \"stream\": [\n";
  return before + Dumped(sample);
}

std::string JsonStream::End(const Report& report) {
  if (!begun_) return ToJson(report);
  return "],\n" + Dumped(JsonOf(report), 1).substr(1) + "\n";  // what follows its brace
}

std::string ToCsv(const Report& report) {
  std::string out =
      "word,kind,file,line,function,live,peak,armed,fired,stopped,ticks,idle,peak_idle,oldest_s,"
      "pid\n";
  AddRows(report, out);
  return out;
}

}  // namespace afterleak::watch
