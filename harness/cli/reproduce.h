// The main job: every pair on every workload that tells its story, in virtual time.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string_view>

namespace cli {

// Prints a plot for each pattern and workload, and one table: of all, or of those of one article
// ("A" or "B"). Writes to the folder `out`, which must exist, those of all:
//   timelines/PATTERN.WORKLOAD.SIDE.MODE.csv   the samples
//   traces/PATTERN.trace.json                  both sides, each timer a slice (stage/trace.h)
// What it writes is the same on every machine. Throws afterleak::FileError. Returns the exit code:
// 1 when one of the leaky sides shown is found bounded or a fixed one leaking, in timer mode go122.
int Reproduce(const std::filesystem::path& out, std::string_view article,
              const std::stop_token& stop);

}  // namespace cli
