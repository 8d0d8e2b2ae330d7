#include "cli/screen.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace cli {
namespace {

constexpr std::string_view kBegin =
    "\033[?1049h\033[?25l\033[?7l";  // screen, no cursor, no wrapping
constexpr std::string_view kEndAll = "\033[0m\033[?7h\033[?25h\033[?1049l";

constexpr std::pair<std::string_view, Key> kSequences[] = {
    {"[A", kUp},      {"[B", kDown},      {"[C", kRight}, {"[D", kLeft},
    {"OA", kUp},      {"OB", kDown},      {"OC", kRight}, {"OD", kLeft},
    {"[H", kHome},    {"[F", kEnd},       {"OH", kHome},  {"OF", kEnd},
    {"[5~", kPageUp}, {"[6~", kPageDown}, {"[1~", kHome}, {"[4~", kEnd}};

// How many bytes the character at the front has; 0 if it is none that can be shown.
std::size_t LengthOfCharacter(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return first >= ' ' && first != 0x7f ? 1 : 0;
  const std::size_t length = first >= 0xf5   ? 0
                             : first >= 0xf0 ? 4
                             : first >= 0xe0 ? 3
                             : first >= 0xc2 ? 2
                                             : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  const bool control = first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
  return control ? 0 : length;
}

std::string_view Codes(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return ";1";
    case Style::kFaint:
      return ";2";
    case Style::kRed:
      return ";1;31";
    case Style::kYellow:
      return ";33";
  }
  return "";
}

// The rest of a sequence that begins with Esc: up to its last byte, which is a letter or '~'.
std::size_t LengthOfSequence(std::string_view rest) {
  if (rest.empty() || (rest.front() != '[' && rest.front() != 'O')) return 0;
  std::size_t i = 1;
  while (i < rest.size() && (rest[i] < '@' || rest[i] > '~')) ++i;
  return std::min(i + 1, rest.size());
}

}  // namespace

std::string Fit(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t shown = 0;
  for (; !text.empty() && shown < columns; ++shown) {
    const std::size_t length = LengthOfCharacter(text);
    out += length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out.append(columns - shown, ' ');
}

std::vector<Key> KeysIn(std::string_view bytes) {
  std::vector<Key> keys;
  while (!bytes.empty()) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (byte != kEscape) {
      keys.push_back(byte == '\r' ? kEnter : byte == '\b' ? kBackspace : byte);
      continue;
    }
    const std::size_t length = LengthOfSequence(bytes);
    const auto* const found = std::ranges::find(kSequences, bytes.substr(0, length),
                                                &std::pair<std::string_view, Key>::first);
    if (length == 0) keys.push_back(kEscape);
    if (found != std::end(kSequences)) keys.push_back(found->second);
    bytes.remove_prefix(length);
  }
  return keys;
}

Screen::Screen(bool color) : color_(color) {
  const char* const term = std::getenv("TERM");
  if (term == nullptr || std::string_view(term) == "dumb")
    throw std::invalid_argument(
        "--top draws on the terminal, and TERM names none that can be drawn on; --every 10s "
        "prints");
  terminal_ = open("/dev/tty", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (terminal_ < 0)
    throw std::invalid_argument(
        "--top draws on the terminal, and there is none; --every 10s prints");
}

Screen::~Screen() {
  Leave();
  close(terminal_);
}

bool Screen::IsOurs() const { return tcgetpgrp(terminal_) == getpgrp(); }

void Screen::Enter() {
  termios modes;
  if (IsOn() || tcgetattr(terminal_, &modes) != 0) return;
  before_ = modes;
  modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  modes.c_cc[VMIN] = 0;
  modes.c_cc[VTIME] = 0;
  tcsetattr(terminal_, TCSADRAIN, &modes);
  Write(kBegin);
}

void Screen::Leave() noexcept {
  if (!IsOn()) return;
  // What of a drawing is left may end within a sequence.
  pollfd file{terminal_, POLLOUT, 0};
  if (poll(&file, 1, 100) > 0) {
    unwritten_ += kEndAll;
    [[maybe_unused]] const ssize_t done = write(terminal_, unwritten_.data(), unwritten_.size());
  }
  unwritten_.clear();
  tcsetattr(terminal_, TCSAFLUSH, &*before_);
  before_.reset();
}

Screen::Size Screen::size() const {
  winsize size{};
  if (ioctl(terminal_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {.columns = 80, .rows = 24};
  return {.columns = size.ws_col, .rows = size.ws_row};
}

void Screen::Draw(const std::vector<Line>& lines) {
  if (!IsOn()) return;
  const auto [columns, rows] = size();
  std::string frame;
  for (std::size_t row = 0; row < std::min(rows, lines.size()); ++row) {
    const Line& line = lines[row];
    const bool color = color_ || line.style == Style::kBold;
    frame += fmt::format("\033[{};1H\033[0{}{}m{}", row + 1, color ? Codes(line.style) : "",
                         line.reverse ? ";7" : "", Fit(line.text, columns));
  }
  if (lines.size() < rows) frame += fmt::format("\033[{};1H\033[0m\033[J", lines.size() + 1);
  Write(frame);
}

void Screen::Write(std::string_view text) {
  if (unwritten_.empty()) unwritten_ = text;
  const ssize_t written = write(terminal_, unwritten_.data(), unwritten_.size());
  if (written > 0)
    unwritten_.erase(0, static_cast<std::size_t>(written));
  else if (errno != EAGAIN && errno != EINTR)
    unwritten_.clear();
}

std::optional<std::vector<Key>> Screen::Read() {
  std::string bytes;
  char buffer[256];
  while (true) {
    const ssize_t got = read(terminal_, buffer, sizeof(buffer));
    if (got > 0) bytes.append(buffer, static_cast<std::size_t>(got));
    if (got > 0 && !bytes.ends_with('\033')) continue;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) return std::nullopt;
    pollfd file{terminal_, POLLIN, 0};
    const int ready = poll(&file, 1, got > 0 ? 50 : 0);
    if (ready <= 0) break;
    if ((file.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return std::nullopt;
  }
  return KeysIn(bytes);
}

}  // namespace cli
