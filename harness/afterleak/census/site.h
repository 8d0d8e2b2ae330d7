// A place in a program as people read it: looping_select.cc:17 leaky::LoopingSelect.
#pragma once

#include <string>
#include <string_view>

#include "afterleak/version.h"

namespace afterleak {

// The qualified name in a compiler's pretty function name, without result, parameters and template
// arguments: "std::optional<int> leaky::Session(Chan<int>, Duration)" gives "leaky::Session".
// Anything that does not look like a function is returned unchanged.
std::string ShortFunction(std::string_view pretty);

}  // namespace afterleak
