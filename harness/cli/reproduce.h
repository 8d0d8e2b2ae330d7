// The main job: every pair on every workload that tells its story, in virtual time.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string_view>

namespace cli {

// Prints a plot for each pattern and workload, and one table: of all of them, or of those of
// one article ("A" or "B"). Always writes the files of all patterns to the folder `out`,
// which must exist:
//   timelines/PATTERN.WORKLOAD.SIDE.MODE.csv   the samples
//   traces/PATTERN.trace.json                  both sides, one slice for each timer (stage/trace.h)
// What it writes is the same on every machine. Throws afterleak::FileError. Returns the exit code:
// 1 if, in timer mode go122, a leaky side shown turns out bounded or a fixed one leaks.
int Reproduce(const std::filesystem::path& out, std::string_view article,
              const std::stop_token& stop);

}  // namespace cli
