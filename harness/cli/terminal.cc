#include "cli/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cstdlib>
#include <string_view>

namespace cli {
namespace {

constexpr int kUsual = 80;
constexpr int kNarrowest = 54;
constexpr int kWidest = 1000;  // a larger number is a typing mistake

int Columns() {
  if (const char* const text = std::getenv("COLUMNS")) {
    const std::string_view digits(text);
    int columns = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), columns);
    if (error == std::errc() && end == digits.data() + digits.size() && columns > 0) return columns;
  }
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kUsual;
}

}  // namespace

bool UseColor() {
  const char* const term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return !dumb && std::getenv("NO_COLOR") == nullptr && isatty(STDOUT_FILENO) != 0;
}

bool UseUnicode() {
  std::setlocale(LC_CTYPE, "");
  const std::string_view codeset = nl_langinfo(CODESET);
  const char* name = std::setlocale(LC_CTYPE, nullptr);
  // The C locale, which most containers have, says nothing about the terminal; today's
  // terminals show UTF-8.
  return codeset == "UTF-8" || name == nullptr || std::string_view(name) == "C" ||
         std::string_view(name) == "POSIX";
}

int Width() { return std::clamp(Columns(), kNarrowest, kWidest); }

}  // namespace cli
