// Findings for other programs: GitHub's code scanning, and the log of a GitHub workflow.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "afterleak/census/judge.h"

namespace afterleak {

// One word for each kind of leak, as it stands in rules and options: "left-behind".
std::string_view RuleId(Leak leak);

// A log in the format SARIF 2.1.0: a rule for each kind of leak with what to do about it, and a
// result for each finding at the line that armed it. Growing is a warning, because it is no proof;
// the others are errors. Files are named relative to the root of the sources, under which the
// compiler was given them.
std::string ToSarif(std::span<const Finding> findings);

// A workflow command for each finding, one a line: ::error file=...,line=...,title=...::message.
std::string ToAnnotations(std::span<const Finding> findings);

}  // namespace afterleak
