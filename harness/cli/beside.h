// Files that come with this program: beside it where it was built, and in a folder of the library
// where it is installed.
#pragma once

#include <filesystem>
#include <string_view>

namespace cli {

// Throws std::invalid_argument if it is in neither place; `cure` says how to get it.
std::filesystem::path FindBeside(std::string_view name, std::string_view cure);

// The library that a value of --on needs: coroutines are those of Asio.
std::string_view LibraryOf(std::string_view on);

// The process becomes the program that is linked with that loop, with the same arguments: this one
// needs no event loop to be installed. Throws std::invalid_argument if it is not there, and
// std::runtime_error if it cannot be run.
[[noreturn]] void BecomeProgramOn(std::string_view on, char** argv);

}  // namespace cli
