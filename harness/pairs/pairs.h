// All pairs of leaky/ and fixed/, ready for the stage.
#pragma once

#include <vector>

#include "stage/pattern.h"

namespace pairs {

const std::vector<afterleak::Pattern>& All();

}  // namespace pairs
