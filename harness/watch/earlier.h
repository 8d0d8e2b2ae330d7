// An earlier run of the same program, as `afterleak watch --json` wrote it down.
#pragma once

#include <string_view>

#include "afterleak/census/census.h"

namespace afterleak::watch {

struct Earlier {
  CensusReport timers{};  // places and peaks alone
  CensusReport idle{};
};

// Throws std::invalid_argument that says what is wrong with the text.
Earlier ReadEarlier(std::string_view json);

}  // namespace afterleak::watch
