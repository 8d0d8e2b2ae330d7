#include "afterleak/census/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace afterleak {
namespace {

// Magnitudes are unsigned, because the smallest duration has no positive counterpart.
constexpr std::uint64_t kLargestMagnitude = std::uint64_t{1} << 63;
constexpr std::uint64_t kMicrosecond = 1'000;
constexpr std::uint64_t kMillisecond = 1'000 * kMicrosecond;
constexpr std::uint64_t kSecond = 1'000 * kMillisecond;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;

struct NamedUnit {
  std::string_view name;
  std::uint64_t nanoseconds;
};

constexpr NamedUnit kUnits[] = {
    {"ns", 1},
    {"us", kMicrosecond},
    {"\u00b5s", kMicrosecond},
    {"\u03bcs", kMicrosecond},
    {"ms", kMillisecond},
    {"s", kSecond},
    {"m", kMinute},
    {"h", kHour},
};

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kDigitsAndPoint = ".0123456789";
constexpr std::string_view kAdvice = "write a duration as in Go: 250ms, 3s, 1m30s";

[[noreturn]] void Fail(std::string_view text, std::string_view problem, std::string_view advice) {
  throw std::invalid_argument(fmt::format("{:?}: {}; {}", text, problem, advice));
}

[[noreturn]] void FailOutOfRange(std::string_view text) {
  Fail(text, "out of range",
       fmt::format("the longest duration is {}", FormatDuration(Duration::max())));
}

// Moves up to `length` bytes off the start of *rest. npos, from a search that found no end, moves
// all of them.
std::string_view Take(std::string_view* rest, std::size_t length) {
  const std::string_view taken = rest->substr(0, length);
  rest->remove_prefix(taken.size());
  return taken;
}

// Goes through double as Go does, so that 0.3333333333333333333h is 20m0s in both. As in Go, digits
// that do not fit in the numerator are ignored.
std::uint64_t FractionOf(std::uint64_t unit, std::string_view digits) {
  std::uint64_t numerator = 0;
  double denominator = 1;
  for (const char digit : digits) {
    if (numerator > (kLargestMagnitude - 1) / 10) break;
    numerator = numerator * 10 + static_cast<std::uint64_t>(digit - '0');
    denominator *= 10;
  }
  return static_cast<std::uint64_t>(static_cast<double>(numerator) *
                                    (static_cast<double>(unit) / denominator));
}

// `value` / `unit` as a decimal number, exact and without trailing zeros. `unit` is 10^`places`.
std::string Decimal(std::uint64_t value, std::uint64_t unit, int places) {
  std::string text = fmt::format("{}.{:0{}}", value / unit, value % unit, places);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

Duration ParseDuration(std::string_view text) {
  if (text.empty()) Fail(text, "empty", kAdvice);
  std::string_view rest = text;
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') rest.remove_prefix(1);
  if (rest == "0") return Duration::zero();
  if (rest.empty()) Fail(text, "a sign alone", kAdvice);

  std::uint64_t total = 0;
  while (!rest.empty()) {
    const std::string_view term = rest;
    const std::string_view whole = Take(&rest, rest.find_first_not_of(kDigits));
    std::string_view fraction;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      fraction = Take(&rest, rest.find_first_not_of(kDigits));
    }
    if (whole.empty() && fraction.empty()) {
      Fail(text, fmt::format("no number at {:?}", term), kAdvice);
    }
    const std::string_view name = Take(&rest, rest.find_first_of(kDigitsAndPoint));
    if (name.empty()) Fail(text, "missing unit", kAdvice);
    const NamedUnit* const unit = std::ranges::find(kUnits, name, &NamedUnit::name);
    if (unit == std::end(kUnits)) Fail(text, fmt::format("unknown unit {:?}", name), kAdvice);

    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), count);
    if (error == std::errc::result_out_of_range || count > kLargestMagnitude / unit->nanoseconds) {
      FailOutOfRange(text);
    }
    const std::uint64_t magnitude =
        count * unit->nanoseconds + FractionOf(unit->nanoseconds, fraction);
    if (magnitude > kLargestMagnitude - total) FailOutOfRange(text);
    total += magnitude;
  }
  if (total == kLargestMagnitude && !negative) FailOutOfRange(text);
  return Duration(static_cast<std::int64_t>(negative ? 0 - total : total));
}

Duration ParsePositiveDuration(std::string_view text) {
  const Duration duration = ParseDuration(text);
  if (duration <= Duration::zero()) Fail(text, "not more than zero", kAdvice);
  return duration;
}

std::string FormatDuration(Duration duration) {
  const bool negative = duration < Duration::zero();
  const auto bits = static_cast<std::uint64_t>(duration.count());
  const std::uint64_t ns = negative ? 0 - bits : bits;
  const char* const sign = negative ? "-" : "";
  if (ns == 0) return "0s";
  if (ns < kMicrosecond) return fmt::format("{}{}ns", sign, ns);
  if (ns < kMillisecond) return fmt::format("{}{}\u00b5s", sign, Decimal(ns, kMicrosecond, 3));
  if (ns < kSecond) return fmt::format("{}{}ms", sign, Decimal(ns, kMillisecond, 6));
  const std::string seconds = Decimal(ns % kMinute, kSecond, 9);
  if (ns < kMinute) return fmt::format("{}{}s", sign, seconds);
  if (ns < kHour) return fmt::format("{}{}m{}s", sign, ns / kMinute, seconds);
  return fmt::format("{}{}h{}m{}s", sign, ns / kHour, ns % kHour / kMinute, seconds);
}

}  // namespace afterleak
