// Each program of this folder is judged, in both timer modes: of a leaky side the judge names the
// line, and of a fixed or a clean one it says nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "afterleak/census/judge.h"
#include "afterleak/heap/heap.h"
#include "tests/reports/judged.h"
#include "tests/reports/registry.h"

// Where the leak is on the heap it may outlive its bubble, as that of case 47 does. Then, and only
// then, AddressSanitizer does not look for leaks when the program ends.
static bool leaks_on_the_heap = false;
extern "C" int __lsan_is_turned_off() { return leaks_on_the_heap ? 1 : 0; }

namespace cases {
namespace {

using afterleak::Finding;
using afterleak::TimerMode;

std::string Path(const Program& program) {
  return std::string(program.name) + "/" + std::string(program.side) + ".cc";
}

// The lines of a leaky side that carry this comment.
std::set<std::string> Marked(const Program& program, const std::string& comment) {
  std::set<std::string> lines;
  std::ifstream source(REPORTS "/" + Path(program));
  std::string line;
  for (int number = 1; std::getline(source, line); ++number) {
    if (line.find("// " + comment) != std::string::npos)
      lines.insert(Path(program) + ":" + std::to_string(number));
  }
  return lines;
}

std::string Site(const Finding& finding) {
  return finding.file + ":" + std::to_string(finding.line);
}

// Whether a finding names a line: as the one that armed or started it, or where it waits.
bool Names(const Finding& finding, const std::string& line) {
  return Site(finding).ends_with(line) ||
         (finding.waits + " ").find(line + " ") != std::string::npos;
}

std::string ToString(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) out += afterleak::ToString(finding);
  return out;
}

class Judged : public testing::Test {
 public:
  Judged(const Program& program, TimerMode mode) : program_(program), mode_(mode) {}

  void TestBody() override {
    leaks_on_the_heap |= program_.what == "heap" && program_.Leaks(mode_);
    if (program_.what == "heap" && !afterleak::heap::Counting())
      GTEST_SKIP() << "operator new does not count here";
    const auto [findings, stale] = Judge(program_, mode_);
    if (!program_.Leaks(mode_)) {
      EXPECT_TRUE(findings.empty()) << ToString(findings);
      EXPECT_TRUE(stale.empty()) << stale[0];
      return;
    }
    if (program_.kind == "stale") {
      EXPECT_TRUE(findings.empty()) << ToString(findings);
      ASSERT_EQ(stale.size(), 1u);
      EXPECT_TRUE(stale[0].ends_with(*Marked(program_, "LEAK").begin())) << stale[0];
      return;
    }
    EXPECT_TRUE(stale.empty()) << stale[0];
    const auto as_expected = [&](const Finding& finding) {
      return ToString(finding.leak) == program_.kind;
    };
    EXPECT_TRUE(std::ranges::any_of(findings, as_expected)) << ToString(findings);
    if (program_.what == "heap") return;  // blocks have no line

    const std::set<std::string> guilty = Marked(program_, "LEAK");
    std::set<std::string> lines = guilty;
    lines.merge(Marked(program_, "with it"));
    ASSERT_FALSE(guilty.empty());
    for (const std::string& line : guilty) {
      EXPECT_TRUE(std::ranges::any_of(findings, [&](const Finding& f) { return Names(f, line); }))
          << "does not name " << line << "\n"
          << ToString(findings);
    }
    // Nothing else is named: a goroutine is known by where it waits, or by where it was started.
    std::set<std::string> known;
    for (const Finding& finding : findings) {
      if (std::ranges::any_of(lines, [&](auto& line) { return Names(finding, line); }))
        known.insert(Site(finding));
    }
    for (const Finding& finding : findings)
      EXPECT_TRUE(known.contains(Site(finding)) || finding.kind == "heap block")
          << "names another line\n"
          << afterleak::ToString(finding);
  }

 private:
  const Program& program_;
  const TimerMode mode_;
};

// Registered as reports.NAME.SIDE.MODE.
const bool registered = [] {
  for (const Program& program : Programs()) {
    for (const TimerMode mode : {TimerMode::kGo122, TimerMode::kGo123}) {
      const std::string name = std::string(program.side) + "." + std::string(ToString(mode));
      testing::RegisterTest(
          std::string(program.name).c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
          [&program, mode]() -> testing::Test* { return new Judged(program, mode); });
    }
  }
  return true;
}();

}  // namespace
}  // namespace cases
