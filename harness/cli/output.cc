#include "cli/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "cli/commands.h"

namespace cli {

using namespace afterleak;

namespace {
constinit struct sigaction on_pipe_before = {}, on_size_before = {};
}  // namespace

void PrepareOutput() {
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &on_pipe_before);
  sigaction(SIGXFSZ, &ignore, &on_size_before);  // `ulimit -f`
  // The next file opened would get the lowest free number. A closed stream is still noticed,
  // because it cannot be written.
  int descriptor = 0;
  while (descriptor <= STDERR_FILENO && descriptor >= 0)
    descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) close(descriptor);
  const int flags = fcntl(STDOUT_FILENO, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
    throw std::runtime_error("standard output is closed; send it to /dev/null to see none of it");
}

int MainOf(int (*program)(int argc, char** argv), int argc, char** argv) {
  try {
    PrepareOutput();
    return program(argc, argv);
  } catch (const ReaderGone&) {
    return kReaderGone;
  } catch (const std::exception& error) {
    Complain(error.what());
    return kBadInput;
  }
}

void RestoreSignals() {
  sigaction(SIGPIPE, &on_pipe_before, nullptr);
  sigaction(SIGXFSZ, &on_size_before, nullptr);
}

void Print(std::string_view text) {
  const int error = WriteAll(STDOUT_FILENO, text);
  if (error == EPIPE) throw ReaderGone();
  if (error != 0) {
    throw std::runtime_error(fmt::format("standard output cannot be written: {}",
                                         std::generic_category().message(error)));
  }
}

void Tell(std::string_view text) noexcept { static_cast<void>(WriteAll(STDERR_FILENO, text)); }

void Complain(std::string_view line) noexcept try {
  std::string text = fmt::format("afterleak: {}", line);
  // The text may contain what the user typed.
  std::ranges::replace_if(text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  static_cast<void>(WriteAll(STDERR_FILENO, text + '\n'));
} catch (...) {  // no memory: nothing is said
}

OutputFile::OutputFile(std::string flag, std::string path)
    : flag_(std::move(flag)), path_(std::move(path)) {
  if (path_.empty()) {
    throw std::invalid_argument(
        fmt::format("{} \"\" names no file; name one, or - for standard output", flag_));
  }
  if (path_ == "-") return;
  file_.emplace(path_);
  if (file_->IsDescriptor(STDOUT_FILENO)) {
    file_.reset();
  } else if (file_->Replaces(STDOUT_FILENO)) {
    throw std::invalid_argument(fmt::format(
        "{} {} is the file that standard output goes to; name another, or - for standard output",
        flag_, path_));
  }
}

void OutputFile::RefuseSame(const OutputFile& other) const {
  const bool same = file_ && other.file_ ? file_->IsSameAs(*other.file_) : !file_ && !other.file_;
  if (!same) return;
  throw std::invalid_argument(fmt::format("{} {} and {} {} are the same file; name two", flag_,
                                          path_, other.flag_, other.path_));
}

void OutputFile::WriteAhead(std::string_view text) {
  file_->Write(text);
  file_->Offer();
}

void OutputFile::Write(std::string_view text) {
  if (!file_) return Print(text);
  file_->Write(text);
  file_->Commit();
}

}  // namespace cli
