// What the two articles claim, one test for each claim; claims_of_article_a_test.cc and
// claims_of_article_b_test.cc are one program. evidence/results/claims.py writes results/claims.md
// from the outcomes.
//
// A test measures whether the claim holds to the letter, and whether it holds in substance. The
// verdict follows from the two, and is compared with the one that the project stands by, so that a
// run-time that behaves differently fails here.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace pairs {

struct Outcome {
  bool to_the_letter = false;
  bool in_substance = false;
  std::string measured;
  std::string correction;  // if it does not hold to the letter
};

class Claims : public testing::Test {
 protected:
  // `quote`: the article's words, or those of Go's documentation that it quotes.
  void Decide(const char* article, int number, const char* claim, const char* quote,
              const Outcome& outcome, const char* expected) {
    const std::string verdict = outcome.to_the_letter  ? "holds"
                                : outcome.in_substance ? "holds with a correction"
                                                       : "does not hold";
    RecordProperty("article", article);
    RecordProperty("number", number);
    RecordProperty("claim", claim);
    RecordProperty("quote", quote);
    RecordProperty("measured", outcome.measured);
    RecordProperty("verdict", verdict);
    if (!outcome.to_the_letter) RecordProperty("correction", outcome.correction);
    EXPECT_EQ(verdict, expected) << outcome.measured;
  }
};

}  // namespace pairs
