#include "workshop/exercises.h"

namespace workshop {

std::optional<std::string> Find(const NextLine& next,
                                const std::function<bool(const std::string&)>& wanted,
                                Duration limit) {
  const Time end = time::Now() + limit;
  while (time::Now() < end) {
    std::optional<std::string> line = next();
    if (!line || time::Now() >= end) return std::nullopt;
    if (wanted(*line)) return line;
  }
  return std::nullopt;
}

}  // namespace workshop
