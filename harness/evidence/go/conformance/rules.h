// What a rule is, and the helpers that the rules of all topics share; rules.go has Go's.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "afterleak/afterleak.h"

namespace afterleak::conformance {

// All that is timed is a multiple of this.
constexpr Duration kUnit = std::chrono::milliseconds(50);

enum class In { kVirtual, kRealAndVirtual, kReal };

struct Rule {
  std::string id;
  std::function<std::string()> probe;
  In in = In::kVirtual;
};

// The rules, by topic; each topic is a file.
extern const std::vector<Rule> channel_rules, closed_channel_rules, select_rules, deadlock_rules,
    timer_rules, after_func_rules, ticker_rules, kept_rules, context_rules, cause_rules,
    signal_rules, notify_context_rules, lock_rules, wait_rules, claim_rules;

// How this program was called, and which rule it is at.
struct Run {
  std::string program;  // to start again
  TimerMode timers = TimerMode::kGo122;
  std::string rule;
  bool is_child = false;  // a process that a rule has for itself
};
extern Run run;

inline std::string Word(context::Error error) { return std::string(ToString(error)); }
template <typename T>
std::string Word(const T& part) {
  return fmt::format("{}", part);
}

// What was found, in one line. For use with braces, which are evaluated from left to right.
struct Say : std::string {
  template <typename... Parts>
  explicit Say(const Parts&... parts) {
    ((*this += empty() ? Word(parts) : " " + Word(parts)), ...);
  }
};

// Lets time go by.
void Pass(double units);

// Returns when every other goroutine is blocked.
void Settle();

// A span as a number of units.
int Units(Duration span);

// Receives a value if one is there.
template <typename T>
bool Ready(const RecvChan<T>& c) {
  return Select({Recv(c), Default()}) == 0;
}

// Starts a goroutine, which runs until it blocks.
void Start(std::function<void()> body);

// Whether body gets stuck.
std::string Blocks(const std::function<void()>& body);

// What body panics with.
std::string Panics(const std::function<void()>& body);

// What a goroutine that is blocked in body panics with once it is woken.
std::string PanicsWhenWoken(const std::function<void()>& body, const std::function<void()>& wake);

// Receives a value that may take its time; the longest wait of any rule is much shorter than this.
template <typename T>
bool Arrives(const RecvChan<T>& c) {
  return Select({Recv(c), Recv(time::After(100 * kUnit))}) == 0;
}

// How many values are there.
template <typename T>
int Count(const RecvChan<T>& c) {
  int n = 0;
  while (Ready(c)) ++n;
  return n;
}

// Receives.
std::string Take(const Chan<int>& c);

// Sends values if there is room; how many.
int Fill(const Chan<int>& c, std::initializer_list<int> values);

template <typename T>
bool Closed(const RecvChan<T>& c) {
  bool ok = true;
  return Select({Recv(c, nullptr, &ok), Default()}) == 0 && !ok;
}

template <typename T>
std::string Sizes(const RecvChan<T>& c) {
  return fmt::format("{}/{}", c.Len(), c.Cap());
}

// How many of a thousand tries chose each of two cases: about as many, or only one.
std::string Fairness(const std::function<int()>& attempt);

// Whether what drop leaves behind is kept.
std::string Kept(const std::function<void()>& drop);

void Raise(os::Signal sig);

// What body returns in a child process, or what killed it.
std::string Child(const std::function<std::string()>& body);

// The same in a process that ignores SIGHUP from its start.
std::string ChildUnderNohup(const std::function<std::string()>& body);

// What the run-time says of a program that consists of body.
std::string Deadlocks(const std::function<void()>& body);

// What it says of one that breaks a rule where Go ends the program, and a panic cannot be caught.
std::string Fatal(const std::function<void()>& body);

}  // namespace afterleak::conformance
