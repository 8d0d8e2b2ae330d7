// The main job: every pair on every workload that tells its story, in virtual time.
#pragma once

#include <filesystem>
#include <stop_token>

namespace cli {

// Prints one table and a plot for each pattern and workload, and writes the folder `out`, which
// must exist:
//   README.md                                  the table, the plots, and how to make them again
//   timelines/PATTERN.WORKLOAD.SIDE.MODE.csv   the samples
// What it writes is the same on every machine. Throws afterleak::FileError. Returns the exit code:
// 1 when a leaky side is found bounded or a fixed one leaking, in timer mode go122.
int Reproduce(const std::filesystem::path& out, const std::stop_token& stop);

}  // namespace cli
