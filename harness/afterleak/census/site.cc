#include "afterleak/census/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "afterleak/census/call_stack.h"
#include "afterleak/census/symbols.h"

namespace afterleak {
namespace {

using internal::Frame;

// True if `path` is `end`, or ends in it at the border of a folder.
bool EndsPath(std::string_view path, std::string_view end) {
  return path.ends_with(end) &&
         (path.size() == end.size() || path[path.size() - end.size() - 1] == '/');
}

// A source that is compiled, and no header.
bool IsSource(std::string_view file) {
  constexpr std::string_view kEnds[] = {".c", ".cc", ".cpp", ".cxx", ".C"};
  return std::ranges::any_of(kEnds, [&](std::string_view end) { return file.ends_with(end); });
}

// How a thread came to run the code, or how the code came to us: of no interest to a reader. An
// optimized template is known by its name alone, so of the C++ library the headers count, too.
bool IsMachinery(const Frame& frame) {
  constexpr std::string_view kNames[] = {"",       "_start",  "start_thread", "clone",
                                         "clone3", "__clone", "__clone3"};
  constexpr std::string_view kPrefixes[] = {
      "afterleak::internal::", "std::", "__gnu_cxx::", "__libc_", "operator()"};
  return std::ranges::find(kNames, frame.function) != std::end(kNames) ||
         std::ranges::any_of(
             kPrefixes,
             [&](std::string_view prefix) { return frame.function.starts_with(prefix); }) ||
         (!IsSource(frame.file) && frame.file.find("/include/c++/") != std::string::npos);
}

// Code of an event loop or of another library of the system, which may be in headers (a program's
// sources may be in a folder of the same name), or a check or the main of this one. _FUN and
// __invoke: a lambda as a plain function, which calls the lambda.
bool IsInLibrary(const Frame& frame) {
  constexpr std::string_view kFolders[] = {"/usr/include/", "/asio/", "/boost/", "/c++/"};
  constexpr std::string_view kOurs[] = {"afterleak::loops::CheckLeftBehind",
                                        "afterleak::loops::LeavesNothingBehind",
                                        "afterleak::loops::asio_tracking::"};
  if (frame.line == 0 || frame.function == "_FUN" || frame.function == "__invoke") return true;
  // An optimized template is known by its name alone, without the namespace.
  if (frame.file.ends_with("afterleak/loops/asio_waits.h")) return true;
  if (frame.file.ends_with("afterleak/loops/main.cc")) return true;
  if (frame.module.starts_with("/lib/") || frame.module.starts_with("/usr/lib/")) return true;
  if (frame.module.find("/libafterleak_watch") != std::string::npos) return true;
  if (std::ranges::any_of(kOurs,
                          [&](std::string_view ours) { return frame.function.starts_with(ours); }))
    return true;
  return !IsSource(frame.file) && std::ranges::any_of(kFolders, [&](std::string_view folder) {
    return frame.file.find(folder) != std::string::npos;
  });
}

// Without the frames of libraries. If nothing remains, the innermost frame by module and offset; of
// a function that is not known, such as a callback that ended with a jump, what called it.
std::vector<Frame> OfProgram(std::vector<Frame> frames) {
  if (frames.empty()) return frames;
  const auto known = std::ranges::find_if(frames, [](const Frame& f) { return !f.module.empty(); });
  Frame shown;
  if (known != frames.end()) {
    shown = *known;
    if (shown.function.empty()) shown.function = fmt::format("+{:#x}", shown.offset);
    if (known != frames.begin()) shown.function.insert(0, "called by ");
  }
  std::erase_if(frames, IsInLibrary);
  if (frames.empty()) {
    shown.file = shown.module.substr(shown.module.rfind('/') + 1);
    shown.line = 0;  // that was of a source
    frames.push_back(std::move(shown));
  }
  return frames;
}

// As debug information has it, for "uv_timer_start (repeat)"; empty for a method, which a call
// stack may have led to in another way.
std::string_view NameOfFunction(std::string_view armed_by) {
  return armed_by.find("::") != std::string_view::npos ? std::string_view()
                                                       : armed_by.substr(0, armed_by.find(' '));
}

// The frames from the line that armed outwards. Without debug information, or where the compiler
// has moved that line, from the first function outside of this library.
std::vector<Frame> FramesFrom(const Site& site, std::string_view armed_by) {
  std::vector<Frame> frames;
  if (site.line() == 0 && !site.call_stack()->frames.empty())
    frames = internal::FramesOfJumps(site.call_stack()->frames.front(), NameOfFunction(armed_by));
  for (const std::uintptr_t address : site.call_stack()->frames)
    std::ranges::copy(internal::FramesAt(address), std::back_inserter(frames));
  if (site.line() == 0) return OfProgram(std::move(frames));
  auto first = std::ranges::find_if(frames, [&](const Frame& frame) {
    return frame.line == site.line() && EndsPath(frame.file, site.file_name());
  });
  if (first == frames.end()) {
    first = std::ranges::find_if(frames, [](const Frame& frame) {
      return !frame.function.starts_with("afterleak::") && !IsMachinery(frame);
    });
  }
  frames.erase(frames.begin(), first);
  std::erase_if(frames, IsMachinery);
  return frames;
}

bool InName(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// True if the word "operator" is at `at`, and not within a longer word.
bool IsOperator(std::string_view pretty, std::size_t at) {
  constexpr std::string_view kOperator = "operator";
  return pretty.substr(at).starts_with(kOperator) && (at == 0 || !InName(pretty[at - 1])) &&
         at + kOperator.size() < pretty.size() && !InName(pretty[at + kOperator.size()]);
}

}  // namespace

Place PlaceOf(const Site& site, std::span<const std::string> wrappers, std::string_view armed_by) {
  Place place{.file = site.file_name(), .line = site.line(), .column = site.column()};
  place.function = ShortFunction(site.function_name());
  if (site.call_stack() == nullptr) return place;
  const std::vector<Frame> frames = FramesFrom(site, armed_by);
  const auto is_wrapper = [&](const Frame& frame) {
    return std::ranges::any_of(wrappers, [&](const std::string& wrapper) {
      return SiteFits(wrapper, frame.file, frame.line, frame.function);
    });
  };
  auto shown = std::ranges::find_if_not(frames, is_wrapper);
  if (shown == frames.end()) return place;  // nobody else is there to name
  if (shown != frames.begin() || site.line() == 0) {
    place.file = shown->file;
    place.line = shown->line;
    place.column = 0;
    place.function = shown->function;
  }
  for (++shown; shown != frames.end(); ++shown)
    place.called_from.push_back(fmt::format("{}:{} {}", shown->file, shown->line, shown->function));
  return place;
}

bool SiteFits(std::string_view site, std::string_view file, std::uint32_t line,
              std::string_view function) {
  if (site == function || (site.ends_with("::") && function.starts_with(site))) return true;
  const std::string suffix = fmt::format(":{}", line);
  if (site.ends_with(suffix)) site.remove_suffix(suffix.size());
  return EndsPath(file, site);
}

std::string ShortFunction(std::string_view pretty) {
  constexpr std::string_view kAnonymous =
      "(anonymous namespace)";  // clang's; gcc writes {anonymous}
  std::string name;
  int nested = 0;
  for (std::size_t i = 0; i < pretty.size(); ++i) {
    const char c = pretty[i];
    if (c == '<' || c == '>') {
      nested += c == '<' ? 1 : -1;
    } else if (nested != 0) {
      continue;
    } else if (pretty.substr(i).starts_with(kAnonymous)) {
      name += kAnonymous;
      i += kAnonymous.size() - 1;
    } else if (IsOperator(pretty, i)) {
      // What follows is part of the name: operator<, operator(), operator bool.
      const std::size_t parameters =
          pretty.find('(', i + (pretty.substr(i).starts_with("operator()") ? 10 : 8));
      if (parameters == std::string_view::npos) break;
      return name.append(pretty.substr(i, parameters - i));
    } else if (c == '(') {
      // "main()::<lambda()>" is in main. Other parentheses, as in "(unnamed struct)::f()", do not
      // open a parameter list.
      return name.empty() || name.ends_with("::") ? std::string(pretty) : name;
    } else if (c == ' ' || c == '*' || c == '&') {
      name.clear();
    } else {
      name += c;
    }
  }
  return std::string(pretty);
}

}  // namespace afterleak
