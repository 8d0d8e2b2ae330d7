// The table of where the timers of each library are seen. Each has a file of its name.
#pragma once

#include <span>

#include "afterleak/loops/library.h"

namespace afterleak::loops::internal {

struct Source {
  Library library;
  // A function that the program must be seen to call; null where nothing stands in front.
  const char* function = nullptr;
  const void* ours = nullptr;    // ours, which ought to be the one that is called
  const void* linked = nullptr;  // the one that the program has linked: another if it is static
  // Where a definition in front is not enough: changes the library's own tables. Called before main
  // and by Watched, so it may be called again.
  void (*attach)() = nullptr;
  // For a library that is compiled into the program: whether there is any of it.
  bool (*used)() = nullptr;
  // Where nobody is told of a firing: brings the census up to date. Called before it is read.
  void (*update)() = nullptr;
};

std::span<const Source> Sources();

}  // namespace afterleak::loops::internal
