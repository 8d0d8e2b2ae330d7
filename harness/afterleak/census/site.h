// Site: a place in a program where something was armed, started or waits.
//
// A ledger counts by site, so two sites must differ wherever a reader would look at two places: a
// site is a line with its column, and two calls of After on one line are two sites.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

#include "afterleak/version.h"

namespace afterleak {

// A small value; what it refers to lasts as long as the process. A function that arms something
// takes `std::source_location site = std::source_location::current()` and passes it on as a Site.
class Site {
 public:
  Site() = default;                                        // unknown: line 0 of no file
  Site(const std::source_location& line) : line_(line) {}  // NOLINT: a line is a site

  const char* file_name() const { return line_.file_name(); }  // as the compiler spells it
  std::uint32_t line() const { return line_.line(); }
  std::uint32_t column() const { return line_.column(); }
  const char* function_name() const { return line_.function_name(); }  // the compiler's pretty one

  // The key is the address where the compiler keeps the file's name, not the name: two translation
  // units may spell one line twice, and those are two sites. A report joins them.
  friend bool operator==(const Site& a, const Site& b) {
    return a.line() == b.line() && a.column() == b.column() && a.file_name() == b.file_name();
  }
  std::uintptr_t Hash() const {
    return reinterpret_cast<std::uintptr_t>(file_name()) ^ (std::uintptr_t{line()} << 20) ^
           column();
  }

 private:
  std::source_location line_;
};

// The qualified name in a compiler's pretty function name, without result, parameters and template
// arguments: "std::optional<int> leaky::Session(Chan<int>, Duration)" gives "leaky::Session".
// Anything that does not look like a function is returned unchanged.
std::string ShortFunction(std::string_view pretty);

}  // namespace afterleak
