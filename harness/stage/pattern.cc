#include "stage/pattern.h"

namespace afterleak {

std::string_view ToString(Variant variant) {
  return variant == Variant::kLeaky ? "leaky" : "fixed";
}

}  // namespace afterleak
