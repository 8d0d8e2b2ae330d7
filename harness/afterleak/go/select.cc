#include "afterleak/go/select.h"

#include <array>
#include <vector>

namespace afterleak {

int SelectCase::Perform(const SelectCase* cases, std::size_t count, std::source_location site) {
  constexpr std::size_t kUsual = 16;
  std::array<internal::Operation*, kUsual> usual;
  std::vector<internal::Operation*> many(count > kUsual ? count : 0);
  internal::Operation** operations = many.empty() ? usual.data() : many.data();
  for (std::size_t i = 0; i < count; ++i) operations[i] = &cases[i].operation_;

  const int chosen = internal::Perform(std::span(operations, count), /*block=*/true, site);
  const SelectCase& performed = cases[chosen];
  if (performed.operation_.direction == internal::Direction::kRecv)
    performed.type_->deliver(performed);
  return chosen;
}

int Select(std::initializer_list<SelectCase> cases, std::source_location site) {
  return SelectCase::Perform(cases.begin(), cases.size(), site);
}

int Select(std::vector<SelectCase> cases, std::source_location site) {
  return SelectCase::Perform(cases.data(), cases.size(), site);
}

}  // namespace afterleak
