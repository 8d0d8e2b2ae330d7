// The version of the library, and a check that the compiler can use it.
//
// Versions follow Semantic Versioning (semver.org). Before 1.0.0 a new minor version may change the
// API. CMake reads the three numbers from here, so no other file has them.
#pragma once

#define AFTERLEAK_VERSION_MAJOR 0
#define AFTERLEAK_VERSION_MINOR 1
#define AFTERLEAK_VERSION_PATCH 0

// "0.1.0"
#define AFTERLEAK_VERSION                                                         \
  AFTERLEAK_INTERNAL_STR(AFTERLEAK_VERSION_MAJOR)                                 \
  "." AFTERLEAK_INTERNAL_STR(AFTERLEAK_VERSION_MINOR) "." AFTERLEAK_INTERNAL_STR( \
      AFTERLEAK_VERSION_PATCH)
#define AFTERLEAK_INTERNAL_STR(x) AFTERLEAK_INTERNAL_STR_OF(x)
#define AFTERLEAK_INTERNAL_STR_OF(x) #x

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "afterleak needs C++20: compile with -std=c++20"
#endif

// Every arming call takes std::source_location, which names its line.
#include <version>
#ifndef __cpp_lib_source_location
#error "afterleak needs std::source_location: GCC 11 or later, or Clang 16 or later"
#endif
