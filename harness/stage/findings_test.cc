#include "stage/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace afterleak {
namespace {

using testing::HasSubstr;

Finding Example(Leak leak = Leak::kAbandoned) {
  Finding finding;
  static_cast<Place&>(finding) = {"net/my client.cc", 31, 9, "net::Client::Read"};
  finding.leak = leak;
  finding.kind = "time::After";
  finding.count = 9;
  finding.bytes = 1728;
  finding.evidence = "9 at once";
  finding.cure = "keep the timer and stop it";
  return finding;
}

TEST(Sarif, HasARuleForEachKindAndAResultAtTheLine) {
  const std::vector<Finding> findings = {Example(), Example(Leak::kGrowing)};
  const auto log = nlohmann::json::parse(ToSarif(findings));
  EXPECT_EQ(log["version"], "2.1.0");
  const auto& run = log["runs"][0];
  const auto& rules = run["tool"]["driver"]["rules"];
  ASSERT_EQ(rules.size(), 4u);
  for (const auto& result : run["results"])
    EXPECT_EQ(rules[result["ruleIndex"].get<std::size_t>()]["id"], result["ruleId"]);
  const auto& first = run["results"][0];
  EXPECT_EQ(first["ruleId"], "abandoned");
  EXPECT_EQ(first["level"], "error");
  EXPECT_EQ(run["results"][1]["level"], "warning");
  const auto& place = first["locations"][0]["physicalLocation"];
  EXPECT_EQ(place["artifactLocation"]["uri"], "net/my%20client.cc");
  EXPECT_EQ(place["region"]["startLine"], 31);
  EXPECT_EQ(place["region"]["startColumn"], 9);
  EXPECT_THAT(first["message"]["text"].get<std::string>(), HasSubstr("keep the timer and stop it"));
}

TEST(Sarif, AFingerprintTellsFindingsApartAndOutlivesALineThatMoves) {
  Finding moved = Example();
  moved.line = 40;
  const auto print = [](const std::vector<Finding>& findings, std::size_t i) {
    return nlohmann::json::parse(ToSarif(findings))["runs"][0]["results"][i]["partialFingerprints"];
  };
  EXPECT_EQ(print({Example()}, 0), print({moved}, 0));
  EXPECT_NE(print({Example(), moved}, 0), print({Example(), moved}, 1));
  EXPECT_NE(print({Example()}, 0), print({Example(Leak::kGrowing)}, 0));
}

TEST(Sarif, WithoutFindingsItHasAnEmptyListOfResults) {
  const auto results = nlohmann::json::parse(ToSarif({}))["runs"][0]["results"];
  EXPECT_TRUE(results.is_array());
  EXPECT_TRUE(results.empty());
}

TEST(Sarif, AHeapBlockHasNoLine) {
  std::vector<Finding> findings(1);
  findings[0].leak = Leak::kLeftBehind;
  findings[0].kind = "heap block";
  EXPECT_FALSE(
      nlohmann::json::parse(ToSarif(findings))["runs"][0]["results"][0].contains("locations"));
  EXPECT_THAT(ToAnnotations(findings), testing::StartsWith("::error title=left behind"));
}

TEST(Annotations, AreOneLineEachEscapedAsGitHubSays) {
  Finding finding = Example();
  finding.file = "a,b:c%.cc";
  finding.evidence = "100%\nsure";
  const std::string text = ToAnnotations(std::vector{finding, Example(Leak::kGrowing)});
  EXPECT_THAT(text, HasSubstr("::error file=a%2Cb%3Ac%25.cc,line=31,title=abandoned%3A time%3A%3A"
                              "After::9 time::After abandoned: 100%25%0Asure"));
  EXPECT_THAT(text, HasSubstr("\n::warning file=net/my client.cc,line=31,title=growing"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

}  // namespace
}  // namespace afterleak
