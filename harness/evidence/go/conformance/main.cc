// What our library does, rule by rule. The .go file beside each .cc file asks Go the same, in the
// same order and words, and names the test of Go's that each rule is drawn from.
//
// A line of output is a rule and its outcome, with a tab between them. The rules run in virtual
// time; those of signals run with the kernel's signals in a real bubble, and then in virtual time
// too, unless they need a separate process.
//
//   go_conformance [--timers go122|go123]                all rules
//   go_conformance [--timers go122|go123] --only ID      one of them
//   go_conformance [--timers go122|go123] --child ID     what it does in its child process
//
// Goroutines take what they use by value: those that stay blocked outlive the rule.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/go/conformance/rules.h"

namespace afterleak::conformance {
namespace {

// In the order of the output.
const std::vector<Rule>* const topics[] = {
    &channel_rules,    &closed_channel_rules, &select_rules, &deadlock_rules, &timer_rules,
    &after_func_rules, &ticker_rules,         &kept_rules,   &context_rules,  &cause_rules,
    &signal_rules,     &notify_context_rules, &lock_rules,   &wait_rules,     &claim_rules};

std::string Probe(const Rule& rule, ClockKind clock) {
  run.rule = rule.id;
  std::string outcome;
  try {
    Bubble bubble({.clock = clock, .timers = run.timers});
    bubble.Run([&] { outcome = rule.probe(); });
  } catch (const std::exception& error) {
    outcome = error.what();
    return outcome.substr(0, outcome.find('\n'));
  }
  return outcome;
}

std::string Probe(const Rule& rule) {
  if (rule.in == In::kVirtual) return Probe(rule, ClockKind::kVirtual);
  const std::string real = Probe(rule, ClockKind::kReal);
  if (rule.in == In::kReal) return real;
  const std::string in_virtual_time = Probe(rule, ClockKind::kVirtual);
  if (real == in_virtual_time) return real;
  return fmt::format("{}; in virtual time {}", real, in_virtual_time);
}

}  // namespace
}  // namespace afterleak::conformance

int main(int argc, char** argv) {
  using namespace afterleak;
  using namespace afterleak::conformance;
  run.program = std::filesystem::read_symlink("/proc/self/exe");
  std::string only;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const std::string_view value = i + 1 < argc ? argv[++i] : "";
    if (option == "--timers" && (value == "go122" || value == "go123")) {
      run.timers = value == "go123" ? TimerMode::kGo123 : TimerMode::kGo122;
    } else if ((option == "--only" || option == "--child") && !value.empty()) {
      only = value;
      run.is_child = option == "--child";
    } else {
      fmt::print(stderr,
                 "go_conformance: unknown arguments; there are: --timers go122|go123, "
                 "--only ID\n");
      return 2;
    }
  }
  for (const auto* topic : topics) {
    for (const Rule& rule : *topic) {
      if (!only.empty() && only != rule.id) continue;
      fmt::print("{}\t{}\n", rule.id, Probe(rule));
      std::fflush(stdout);
    }
  }
}
