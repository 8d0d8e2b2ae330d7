#include "afterleak/bubble/explore.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>

namespace afterleak {

std::optional<std::uint64_t> Explore(int seeds, const std::function<void(Bubble&)>& test,
                                     Bubble::Options options, const std::function<bool()>& failed) {
  options.shuffle = true;
  for (int i = 0; i < seeds; ++i, ++options.seed) {
    std::string why;
    try {
      Bubble bubble(options);
      test(bubble);
      if (!failed || !failed()) continue;
      why = "as reported above";
    } catch (const std::exception& error) {
      why = error.what();
    } catch (...) {
      why = "something was thrown that is no std::exception";
    }
    const std::string line = fmt::format("seed {} fails: {}\n", options.seed, why);
    std::fputs(line.c_str(), stderr);
    return options.seed;
  }
  return std::nullopt;
}

}  // namespace afterleak
