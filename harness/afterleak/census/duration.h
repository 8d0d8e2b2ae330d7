// Durations as text, in Go's notation: 250ms, 3s, 1m30s.
//
// The grammar and the results are those of Go's ParseDuration and Duration.String
// (https://pkg.go.dev/time#ParseDuration and https://pkg.go.dev/time#Duration.String).
#pragma once

#include <string>
#include <string_view>

#include "afterleak/census/clock.h"

namespace afterleak {

// Reads an optional sign and then one or more decimal numbers, each with an optional fraction and
// a unit: ns, us (or µs, with U+00B5 or U+03BC), ms, s, m, h. Only "0" needs no unit.
// Digits beyond the nanosecond are dropped.
//
// Throws std::invalid_argument with one line, ready to print:
//   "3x": unknown unit "x"; write a duration as in Go: 250ms, 3s, 1m30s
// The same for durations that do not fit in 64 bits of nanoseconds, about 292 years. This is
// stricter than Go, which lets a sum of exactly 2^64 ns wrap around to 0.
Duration ParseDuration(std::string_view text);

// Like ParseDuration, but refuses zero and negative durations: for flags such as
// --for and --sample.
Duration ParsePositiveDuration(std::string_view text);

// The shortest exact form: "0s", "1.1µs" (U+00B5), "1.5s", "1m30s", "1h0m0s". ParseDuration reads
// it back as the same value.
std::string FormatDuration(Duration duration);

}  // namespace afterleak
