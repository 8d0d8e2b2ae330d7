#include "cli/held_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "cli/output.h"
#include "stage/atomic_file.h"

namespace cli {

HeldOutput::HeldOutput() : out_(isatty(STDOUT_FILENO) != 0), error_(isatty(STDERR_FILENO) != 0) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error(fmt::format("no pipe: {}", std::generic_category().message(errno)));
  reading_ = ends[0];
  writing_ = ends[1];
  fcntl(reading_, F_SETFL, O_NONBLOCK);  // the program's end stays as it expects it
}

HeldOutput::~HeldOutput() {
  PassOn();
  close(reading_);
  close(writing_);
}

void HeldOutput::PrepareChild() const {
  if (isatty(STDIN_FILENO) != 0) {
    const int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(empty, STDIN_FILENO);
  }
  if (out_) dup2(writing_, STDOUT_FILENO);
  if (error_) dup2(writing_, STDERR_FILENO);
}

void HeldOutput::Read() {
  char buffer[16 << 10];
  for (int i = 0; i < 16; ++i) {  // it may write faster than we read
    const ssize_t got = read(reading_, buffer, sizeof(buffer));
    if (got <= 0) return;
    Take(std::string_view(buffer, static_cast<std::size_t>(got)));
  }
}

void HeldOutput::Say(std::string_view text) {
  if (passes_on_ || !error_)
    Tell(text);
  else
    Take(text);
}

void HeldOutput::Take(std::string_view text) {
  if (passes_on_) {
    afterleak::WriteAll(out_ ? STDOUT_FILENO : STDERR_FILENO, text);  // the same terminal
    return;
  }
  held_ += text;
  if (held_.size() <= 2 * kMost) return;
  lost_ += held_.size() - kMost;
  held_.erase(0, held_.size() - kMost);
}

void HeldOutput::PassOn() {
  if (passes_on_) return;
  Read();
  passes_on_ = true;
  if (held_.size() > kMost) {
    lost_ += held_.size() - kMost;
    held_.erase(0, held_.size() - kMost);
  }
  if (lost_ > 0)
    Tell(fmt::format("afterleak: {} bytes that the program wrote before this are not kept\n",
                     lost_));
  Take(held_);
  held_.clear();
}

}  // namespace cli
