// Pattern: a pair of a leaky and a fixed program, and how to put them on a stage.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "afterleak/bubble/bubble.h"
#include "stage/workload.h"

namespace afterleak {

enum class Variant : std::uint8_t { kLeaky, kFixed };

std::string_view ToString(Variant variant);

// What a pattern runs on.
struct Stage {
  Bubble& bubble;  // at 0
  Variant variant;
  const Workload& workload;
  std::int64_t tempo = 1;  // all delays of the pattern are divided by it
  // No more events from then on, and what calls the pattern again and again (its host) ends.
  Time load_ends = Time::max();
};

struct Pattern {
  std::string name;                  // as in the names of its files
  std::string article{};             // the article it comes from: "A" or "B"
  std::string summary;               // one line
  std::string fix{};                 // what the fixed side does instead, in one sentence
  std::string work{};                // what both sides do, and where they differ in that
  std::string event;                 // what it waits for: "message" or "signal"
  std::vector<Workload> workloads;   // those that tell its story, the usual one first
  std::vector<std::string> loops{};  // the event loops that it is written for, too
  Workload gentle{};                 // shows the same with few enough timers to draw one by one
  // Starts one side: its goroutines and the events of the workload.
  std::function<void(const Stage&)> stage;
};

}  // namespace afterleak
