#include "afterleak/pattern.h"

namespace afterleak {

std::string_view ToString(Variant variant) {
  return variant == Variant::kLeaky ? "leaky" : "fixed";
}
std::string_view ToString(TimerMode mode) { return mode == TimerMode::kGo122 ? "go122" : "go123"; }

}  // namespace afterleak
