// What addresses stand for: functions and source lines, from debug information. Those of this
// process, or of another one that NameAddressesOf was told about.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "afterleak/version.h"

namespace afterleak::internal {

struct Frame {
  std::string file{};  // as the compiler spells it; empty without debug information
  std::uint32_t line = 0;
  std::string function{};     // qualified name, without parameters; empty if not known
  std::string module{};       // the program or shared library
  std::uintptr_t offset = 0;  // in the module
};

// The frames that a return address stands for, innermost first: functions that the
// compiler has inlined are frames too. Milliseconds for the first address of a module, then
// microseconds; each address is looked up once. Thread-safe.
const std::vector<Frame>& FramesAt(std::uintptr_t return_address);

// Where the innermost return address of a stack is: the frames that are on no stack, innermost
// first. A function that ends with a call makes a jump of it (a tail call), so what it called
// returns to its caller. Debug information says which function was called there, and which calls
// of that function are jumps, and whereto. Empty unless all ways to `called` are by one line.
// `called`: the function that the stack led to; where it is not known (empty), any that is defined
// elsewhere. It takes milliseconds, and up to a second where the program called a pointer, since
// then each of its functions is looked at, once for each `called`.
std::vector<Frame> FramesOfJumps(std::uintptr_t return_address, std::string_view called = {});

// In the place of the innermost return address: the beginning of a function that made such a jump
// itself; or what stands for that where it is known that one did, but not which.
constexpr std::uintptr_t BeginningOf(std::uintptr_t code) { return code + 1; }
constexpr std::uintptr_t kSomeFunction = BeginningOf(0);

// A program or shared library of another process.
struct LoadedFile {
  std::string path;
  std::uintptr_t bias = 0;  // what its addresses are more than those in the file

  bool operator==(const LoadedFile&) const = default;
};

// From now on addresses are those of the process that has loaded these, the latest last; it need
// not exist any more. An address that could not be named is looked up again.
void NameAddressesOf(std::vector<LoadedFile> files);

}  // namespace afterleak::internal
