// What the program writes to the terminal while `afterleak watch --top` has the screen: held, and
// shown when the view is over.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cli {

class HeldOutput {
 public:
  static constexpr std::size_t kMost = std::size_t{64} << 10;  // the last of it

  // Whichever of standard output and error are terminals become a pipe in the program; its standard
  // input becomes empty, if that is one: the keys are ours. Throws std::runtime_error.
  HeldOutput();
  ~HeldOutput();
  HeldOutput(const HeldOutput&) = delete;
  HeldOutput& operator=(const HeldOutput&) = delete;

  // In the program, between fork and exec.
  void PrepareChild() const;

  // Readable: the program has written something. It waits if nobody reads.
  int descriptor() const { return reading_; }
  void Read();

  // The same for what we ourselves have to say on standard error.
  void Say(std::string_view text);

  // Shows what is held; from now on everything is passed on.
  void PassOn();

 private:
  void Take(std::string_view text);

  const bool out_, error_;  // are terminals
  int reading_ = -1;
  int writing_ = -1;  // kept open: a program that closes its output is no end of it
  std::string held_;
  std::size_t lost_ = 0;  // bytes before that
  bool passes_on_ = false;
};

}  // namespace cli
