// The terminal as a screen: drawn on as a whole, with keys that come at once. What the user had on
// it comes back when this ends.
#pragma once

#include <termios.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

enum class Style : std::uint8_t { kPlain, kBold, kFaint, kRed, kYellow };

struct Line {
  std::string text{};  // what is no printable UTF-8 is shown as '?'
  Style style = Style::kPlain;
  bool reverse = false;  // for the whole width
};

// A character as itself, or one of these.
using Key = std::uint32_t;
inline constexpr Key kEscape = 27, kEnter = '\n', kBackspace = 127, kUp = 0x110000, kDown = kUp + 1,
                     kLeft = kUp + 2, kRight = kUp + 3, kPageUp = kUp + 4, kPageDown = kUp + 5,
                     kHome = kUp + 6, kEnd = kUp + 7;

// The first columns of a text, padded with blanks to that many. A character counts as one column.
std::string Fit(std::string_view text, std::size_t columns);

// The keys that a terminal has sent, whole: what is no key of ours is left out.
std::vector<Key> KeysIn(std::string_view bytes);

// One at a time. Not thread-safe. The terminal's own signals (Ctrl-C, Ctrl-Z) stay as they are.
class Screen {
 public:
  // Opens the terminal that this process was started from, and changes nothing. `color`: none where
  // it is false. Throws std::invalid_argument with one line if there is none, or a dumb one.
  explicit Screen(bool color);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // False if the process is in the background: the screen is another's.
  bool IsOurs() const;

  void Enter();
  void Leave() noexcept;  // and all is as before
  bool IsOn() const { return before_.has_value(); }

  struct Size {
    std::size_t columns;
    std::size_t rows;
  };
  Size size() const;

  // Takes the place of what was there. A terminal that is halted (Ctrl-S) gets the next one.
  void Draw(const std::vector<Line>& lines);

  int descriptor() const { return terminal_; }  // readable: a key

  // What has been typed; none if the terminal is gone. Waits 50 ms after an Esc: it may be the
  // first byte of an arrow.
  std::optional<std::vector<Key>> Read();

 private:
  void Write(std::string_view text);

  const bool color_;
  int terminal_ = -1;
  std::optional<termios> before_;  // while it is on
  std::string unwritten_;          // of what was drawn last
};

}  // namespace cli
