#include "stage/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace afterleak {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string Refusal(std::string_view text) {
  try {
    ParseWorkload(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Workload, IsWrittenAsItIsRead) {
  for (const char* text :
       {"idle", "message@1s", "signal@1m30s", "message@0s", "busy:1/s", "busy:1000000/s"}) {
    EXPECT_EQ(ParseWorkload(text).ToString(), text);
  }
}

TEST(Workload, WhatIsWrongIsSaidInOneLineWithWhatWouldBeRight) {
  for (const char* text : {"",
                           "idl",
                           "idle ",
                           "busy",
                           "busy:",
                           "busy:10",
                           "busy:10/m",
                           "busy:/s",
                           "busy:x/s",
                           "busy:1.5/s",
                           "busy:0/s",
                           "busy:-1/s",
                           "busy:1000001/s",
                           "busy:99999999999999999999/s",
                           "message",
                           "message@",
                           "message@3x",
                           "message@-1s",
                           "message@9999999999h",
                           "letter@1s"}) {
    const std::string line = Refusal(text);
    EXPECT_THAT(line, Not(HasSubstr("\n"))) << text;
    EXPECT_TRUE(line.find("busy:1000/s") != std::string::npos ||
                line.find("250ms") != std::string::npos ||
                line.find("the longest") != std::string::npos)
        << text << ": " << line;
  }
  EXPECT_THAT(Refusal("busy:0/s"), HasSubstr("from 1 to 1000000"));
  EXPECT_THAT(Refusal("busy:x/s"), HasSubstr("\"x\" is not a whole number"));
}

std::vector<Duration> Events(const char* workload, Duration until) {
  std::vector<Duration> instants;
  Bubble bubble;
  Schedule(bubble, ParseWorkload(workload),
           [&] { instants.push_back(bubble.Now().time_since_epoch()); });
  bubble.AdvanceTo(until);
  return instants;
}

TEST(Workload, IdleHasNoEvents) { EXPECT_THAT(Events("idle", 1h), ElementsAre()); }

TEST(Workload, OnceHasOneAtItsInstant) { EXPECT_THAT(Events("message@7s", 1h), ElementsAre(7s)); }

TEST(Workload, BusyHasTheFirstAfterOneInterval) {
  EXPECT_THAT(Events("busy:2/s", 2s), ElementsAre(500ms, 1s, 1500ms, 2s));
}

TEST(Workload, RatesThatDivideNoSecondKeepTheirNumberExactly) {
  for (const int rate : {3, 7, 999}) {
    EXPECT_EQ(Events(("busy:" + std::to_string(rate) + "/s").c_str(), 60s).size(),
              static_cast<std::size_t>(rate) * 60);
  }
}

}  // namespace
}  // namespace afterleak
