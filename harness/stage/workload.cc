#include "stage/workload.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <stdexcept>
#include <utility>

#include "afterleak/census/duration.h"
#include "afterleak/heap/heap.h"

namespace afterleak {
namespace {

[[noreturn]] void Refuse(std::string_view text, std::string_view why) {
  throw std::invalid_argument(
      fmt::format("\"{}\": {}; write a workload as idle, message@1s or busy:1000/s", text, why));
}

std::int64_t ParseRate(std::string_view text, std::string_view digits) {
  std::int64_t rate = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rate);
  if (error == std::errc::invalid_argument || end != digits.data() + digits.size()) {
    Refuse(text, fmt::format("\"{}\" is not a whole number", digits));
  }
  if (error == std::errc::result_out_of_range || rate < 1 || rate > Workload::kMaxRate) {
    Refuse(text, fmt::format("the rate must be from 1 to {} a second", Workload::kMaxRate));
  }
  return rate;
}

// Until the event is empty. One that is due at the instant at which it ends still happens.
void ScheduleEvery(Bubble& bubble, std::int64_t k, std::int64_t rate,
                   std::shared_ptr<std::function<void()>> event) {
  bubble.At(InstantOf(k, rate), [&bubble, k, rate, event = std::move(event)] {
    if (!*event) return;
    (*event)();
    ScheduleEvery(bubble, k + 1, rate, event);
  });
}

}  // namespace

std::string Workload::ToString() const {
  switch (kind) {
    case Kind::kIdle:
      return "idle";
    case Kind::kOnce:
      return event + "@" + FormatDuration(at);
    case Kind::kBusy:
      return fmt::format("busy:{}/s", rate);
  }
  return "";
}

Workload ParseWorkload(std::string_view text) {
  if (text == "idle") return {};
  if (text.starts_with("busy:")) {
    const std::string_view rate = text.substr(5);
    if (!rate.ends_with("/s")) Refuse(text, "a rate ends in /s");
    return {.kind = Workload::Kind::kBusy,
            .event = {},
            .at = {},
            .rate = ParseRate(text, rate.substr(0, rate.size() - 2))};
  }
  for (const std::string_view event : {"message", "signal"}) {
    if (!text.starts_with(event) || !text.substr(event.size()).starts_with('@')) continue;
    const Duration at = ParseDuration(text.substr(event.size() + 1));
    if (at < Duration::zero()) Refuse(text, "an instant before the start");
    return {.kind = Workload::Kind::kOnce, .event = std::string(event), .at = at, .rate = 0};
  }
  Refuse(text, text.empty() ? "empty" : "unknown workload");
}

Time InstantOf(std::int64_t k, std::int64_t rate) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return Time(Duration(k / rate * kSecond + k % rate * kSecond / rate));
}

void Schedule(Bubble& bubble, const Workload& workload, std::function<void()> event, Time end,
              std::function<void()> over) {
  if (workload.kind == Workload::Kind::kOnce && Time(workload.at) < end)
    bubble.At(Time(workload.at), event);
  std::shared_ptr<std::function<void()>> repeated;
  if (workload.kind == Workload::Kind::kBusy) {
    repeated = std::make_shared<std::function<void()>>(std::move(event));
    ScheduleEvery(bubble, 1, workload.rate, repeated);
  }
  if (end == Time::max()) return;
  const heap::Scope::Suspend suspend;  // it is not the pattern's
  bubble.At(end, [=] {
    if (repeated) *repeated = {};
    if (over) over();
  });
}

}  // namespace afterleak
