#include "stage/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "afterleak/version.h"

namespace afterleak {
namespace {

using Json = nlohmann::ordered_json;

struct Rule {
  Leak leak;
  std::string_view level;
  std::string_view name;
  std::string_view summary;
  std::string_view help;
};

// In the order of Leak, so that a rule's index is its kind.
constexpr Rule kRules[] = {
    {Leak::kAbandoned, "error", "Abandoned", "Something is pending that nobody can hear or cancel",
     "No handle is left through which anybody could hear or cancel it, so it stays until its "
     "deadline, if it has one. Keep the timer or the CancelFunc in a variable, and stop or cancel "
     "it on every way out of the function that made it."},
    {Leak::kLeftBehind, "error", "LeftBehind", "The work is over and something is still alive",
     "It was not alive before the work began. End it on every way out of the function that "
     "started it, or allow for it (--allow SITE=N) if it is meant to stay."},
    {Leak::kGrowing, "warning", "Growing", "At constant load, more and more is alive at once",
     "What is alive at once rises window after window. That is no proof: wanted reminders grow "
     "too. Stop what is no longer needed, or allow for it (--allow SITE=N)."},
    {Leak::kOutlived, "error", "Outlived", "Far more later ones ended than ever before",
     "What is alive was overtaken by far more later ones of its site than any that ended ever was. "
     "End it on every way out of the work that armed it, or allow for it (--allow SITE=N)."},
};

const Rule& RuleOf(Leak leak) { return kRules[static_cast<std::size_t>(leak)]; }

// One line: count, kind, where a goroutine waits, the evidence, and the cure.
std::string Message(const Finding& finding) {
  std::string out = fmt::format(
      "{} {} {}", finding.count, finding.kind,
      finding.leak == Leak::kGrowing ? "alive at once, and growing" : ToString(finding.leak));
  if (!finding.waits.empty()) out += ", waiting in " + finding.waits;
  if (!finding.evidence.empty()) out += ": " + finding.evidence;
  if (finding.bytes > 0) out += fmt::format(" ({} bytes)", finding.bytes);
  if (!finding.cure.empty()) out += fmt::format(". Cure: {}", finding.cure);
  return out + ".";
}

// A path as a URI reference (RFC 3986): what is neither unreserved nor a slash becomes %XX.
std::string Uri(std::string_view path) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string out = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    if (kPlain.find(c) != std::string_view::npos)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Json Location(const Finding& finding) {
  Json file = {{"uri", Uri(finding.file)}};
  if (!finding.file.starts_with('/')) file["uriBaseId"] = "%SRCROOT%";
  Json region = {{"startLine", std::max<std::uint32_t>(finding.line, 1)}};
  if (finding.column > 0) region["startColumn"] = finding.column;
  Json location = {{"physicalLocation", {{"artifactLocation", file}, {"region", region}}}};
  if (!finding.function.empty()) {
    location["logicalLocations"] =
        Json::array({{{"fullyQualifiedName", finding.function}, {"kind", "function"}}});
  }
  return location;
}

// Workflow commands end a value at these, and a line at the last two.
std::string Escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos)
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out;
}
std::string EscapedValue(std::string_view text) { return Escaped(text, "%\r\n:,"); }
std::string EscapedMessage(std::string_view text) { return Escaped(text, "%\r\n"); }

}  // namespace

std::string_view RuleId(Leak leak) {
  constexpr std::string_view kIds[] = {"abandoned", "left-behind", "growing", "outlived"};
  return kIds[static_cast<std::size_t>(leak)];
}

std::string ToSarif(std::span<const Finding> findings) {
  Json rules = Json::array();
  for (const Rule& rule : kRules) {
    rules.push_back({{"id", RuleId(rule.leak)},
                     {"name", rule.name},
                     {"shortDescription", {{"text", rule.summary}}},
                     {"fullDescription", {{"text", rule.summary}}},
                     {"help", {{"text", rule.help}}},
                     {"defaultConfiguration", {{"level", rule.level}}}});
  }
  Json results = Json::array();
  std::map<std::string, int> seen;
  for (const Finding& finding : findings) {
    // The line is no part of it, so that a finding stays the same when code above it changes.
    const std::string print = fmt::format("{}:{}:{}:{}", RuleId(finding.leak), finding.kind,
                                          finding.file, finding.function);
    Json result = {{"ruleId", RuleId(finding.leak)},
                   {"ruleIndex", static_cast<int>(finding.leak)},
                   {"level", RuleOf(finding.leak).level},
                   {"message", {{"text", Message(finding)}}}};
    if (!finding.file.empty()) result["locations"] = Json::array({Location(finding)});
    result["partialFingerprints"] = {
        {"afterleakSite/v1", fmt::format("{}:{}", print, ++seen[print])}};
    result["properties"] = {{"kind", finding.kind},
                            {"count", finding.count},
                            {"bytes", finding.bytes},
                            {"byteSeconds", finding.byte_seconds}};
    results.push_back(std::move(result));
  }
  const Json driver = {{"name", "afterleak"}, {"version", AFTERLEAK_VERSION}, {"rules", rules}};
  const Json run = {{"tool", {{"driver", driver}}}, {"results", results}};
  const Json log = {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                    {"version", "2.1.0"},
                    {"runs", Json::array({run})}};
  return log.dump(1) + "\n";
}

std::string ToAnnotations(std::span<const Finding> findings) {
  std::string out;
  for (const Finding& finding : findings) {
    const Rule& rule = RuleOf(finding.leak);
    std::string place;
    if (!finding.file.empty())
      place = fmt::format("file={},line={},", EscapedValue(finding.file), finding.line);
    out += fmt::format("::{} {}title={}::{}\n", rule.level, place,
                       EscapedValue(fmt::format("{}: {}", ToString(finding.leak), finding.kind)),
                       EscapedMessage(Message(finding)));
  }
  return out;
}

}  // namespace afterleak
