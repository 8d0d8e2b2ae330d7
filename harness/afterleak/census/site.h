// Site: a place in a program where something was armed, started or waits.
//
// A ledger counts by site, so two sites must differ wherever a reader would look at two places: a
// site is a line with its column, and two calls of After on one line are two sites. Where a line
// does not help, because every timer of a project is armed in its own Clock::After, a site is a
// line and the call stack that led to it.
#pragma once

#include <bit>
#include <cstdint>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "afterleak/version.h"

namespace afterleak {

namespace internal {
struct CallStack;
}

// A small value; what it refers to lasts as long as the process. A function that arms something
// takes `std::source_location site = std::source_location::current()` and passes it on as a Site.
class Site {
 public:
  Site() = default;                                                    // unknown: line 0 of no file
  Site(const std::source_location& line) : line_(line) {}              // NOLINT: a line is a site
  explicit Site(const internal::CallStack& stack) : stack_(&stack) {}  // of what has no line

  // The same line, with the call stack of the caller. See call_stack.h for what it costs.
  Site WithCallStack() const;

  const char* file_name() const { return line_.file_name(); }  // as the compiler spells it
  std::uint32_t line() const { return line_.line(); }
  std::uint32_t column() const { return line_.column(); }
  const char* function_name() const { return line_.function_name(); }  // the compiler's pretty one

  const std::source_location& location() const { return line_; }
  const internal::CallStack* call_stack() const { return stack_; }  // null: only a line

  // A key is an address that the compiler has for the line, which takes no look at what is there.
  // Two translation units may have two for one line, and those are two sites. A report joins them.
  friend bool operator==(const Site& a, const Site& b) {
    return a.LineKey() == b.LineKey() && a.stack_ == b.stack_;
  }
  std::uintptr_t Hash() const { return LineKey() ^ reinterpret_cast<std::uintptr_t>(stack_); }

 private:
  // Both libstdc++ and libc++ keep a pointer to static data.
  static_assert(sizeof(std::source_location) == sizeof(std::uintptr_t));
  std::uintptr_t LineKey() const { return std::bit_cast<std::uintptr_t>(line_); }

  std::source_location line_;
  const internal::CallStack* stack_ = nullptr;
};

// A site as people read it.
struct Place {
  std::string file{};  // as the compiler spells it
  std::uint32_t line = 0;
  std::uint32_t column = 0;  // 0 if not known
  std::string function{};    // qualified name, without parameters
  // Where that was called, innermost first: "net/client.cc:31 net::Poll". Only with a call stack,
  // and without the frames of the C++ library and of this one.
  std::vector<std::string> called_from{};
};

// A site with a call stack is shown by its first frame that is in none of the wrappers: files,
// lines or functions whose callers are what a reader wants to see, as SiteFits takes them. Where
// there is no line, the frames of event loops and of libraries without debug information are passed
// over, too; if nothing else is there, the file is a module and the function an offset in it.
// `armed_by`, the function that the call stack led to, finds the line where a function ends with
// that call: such a line is on no stack (FramesOfJumps).
Place PlaceOf(const Site& site, std::span<const std::string> wrappers = {},
              std::string_view armed_by = {});

// True if a place is at `site`: "server.cc", "net/server.cc:42", or the qualified name of a
// function. A path fits every longer path that ends in it; a function ending in "::" fits all
// that begin so.
bool SiteFits(std::string_view site, std::string_view file, std::uint32_t line,
              std::string_view function);

// The qualified name in a compiler's pretty function name, without result, parameters and template
// arguments: "std::optional<int> leaky::Session(Chan<int>, Duration)" gives "leaky::Session".
// Anything that does not look like a function is returned unchanged.
std::string ShortFunction(std::string_view pretty);

}  // namespace afterleak
