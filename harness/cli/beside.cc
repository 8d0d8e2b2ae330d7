#include "cli/beside.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "cli/output.h"

namespace cli {

std::filesystem::path FindBeside(std::string_view name, std::string_view cure) {
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto installed = (here / AFTERLEAK_LIBRARY_FOLDER).lexically_normal();
  for (const auto& folder : {here, installed}) {
    if (std::filesystem::exists(folder / name)) return folder / name;
  }
  throw std::invalid_argument(fmt::format("{} is neither in {} nor in {}; {}", name, here.string(),
                                          installed.string(), cure));
}

std::string_view LibraryOf(std::string_view on) { return on == "coroutines" ? "asio" : on; }

void BecomeProgramOn(std::string_view on, char** argv) {
  const std::filesystem::path program =
      FindBeside(fmt::format("afterleak_on_{}", LibraryOf(on)),
                 "it is in no package, and is built from the sources where that loop is installed "
                 "(scripts/setup --all)");
  RestoreSignals();
  execv(program.c_str(), argv);
  throw std::runtime_error(
      fmt::format("{}: {}", program.string(), std::generic_category().message(errno)));
}

}  // namespace cli
