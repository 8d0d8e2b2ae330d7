// The table of the libraries whose timers are in the census. Each has a file of its name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "afterleak/version.h"

namespace afterleak::loops {

enum class Library : std::uint8_t {
  kAsio,  // and Boost.Asio
  kLibuv,
  kLibevent,
  kLibev,
  kGlib,
  kTimerfd,
  kPosixTimers,
  kSdEvent,
  kQt,
};
inline constexpr int kLibraries = 9;
std::string_view ToString(Library library);  // "libuv"

namespace internal {

struct Source {
  Library library;
  // A function that the program must be seen to call; null where nothing stands in front.
  const char* function = nullptr;
  const void* ours = nullptr;    // ours, which ought to be the one that is called
  const void* linked = nullptr;  // the one that the program has linked: another if it is static
  // Where a definition in front is not enough: changes the library's own tables. Called before main
  // and by Watched, so it may be called again.
  void (*attach)() = nullptr;
  // Where versions differ: false if the one that is loaded arms its timers in a way not known here.
  bool (*known)() = nullptr;
  // For a library that is compiled into the program: whether there is any of it.
  bool (*used)() = nullptr;
  // Where nobody is told of a firing: brings the census up to date. Called before it is read.
  void (*update)() = nullptr;
};

std::span<const Source> Sources();

}  // namespace internal
}  // namespace afterleak::loops
