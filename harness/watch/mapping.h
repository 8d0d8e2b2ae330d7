// Where a file's code is in the memory of a process.
#pragma once

#include <cstdint>
#include <string>

#include "afterleak/version.h"

namespace afterleak::watch {

struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::uint64_t offset = 0;  // in the file
  std::string build_id{};    // in hexadecimal; empty if the file has none
};

// Of a program or library whose lowest address is `start`. If the file cannot be read, nothing but
// the beginning is known.
Mapping MappingOf(const std::string& path, std::uintptr_t start);

}  // namespace afterleak::watch
