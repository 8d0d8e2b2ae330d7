#include "afterleak/go/select.h"

#include <array>
#include <vector>

namespace afterleak {

int Select(std::initializer_list<SelectCase> cases, std::source_location site) {
  constexpr std::size_t kUsual = 16;
  std::array<internal::Operation*, kUsual> usual;
  std::vector<internal::Operation*> many(cases.size() > kUsual ? cases.size() : 0);
  internal::Operation** operations = many.empty() ? usual.data() : many.data();
  std::size_t count = 0;
  for (const SelectCase& c : cases) operations[count++] = &c.operation_;

  const int chosen = internal::Perform(std::span(operations, count), /*block=*/true, site);
  const SelectCase& performed = cases.begin()[chosen];
  if (performed.operation_.direction == internal::Direction::kRecv)
    performed.type_->deliver(performed);
  return chosen;
}

}  // namespace afterleak
