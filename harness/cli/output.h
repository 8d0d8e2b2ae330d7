// Where all of the program's output goes: standard output, standard error, and the files that the
// user named. Every write is checked.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "stage/atomic_file.h"

namespace cli {

// The reader of standard output has gone, as `head` does. Print no message for it.
class ReaderGone : public std::exception {
 public:
  const char* what() const noexcept override { return "nobody reads standard output"; }
};

// Call this first, or MainOf. From then on a failed write is an error and not a signal, and no file
// that is opened gets the number of a closed standard stream. Throws std::runtime_error if standard
// output is closed, so that this is reported before a long run, not after.
void PrepareOutput();

// What main is: prepares the output, calls `program`, and makes a line for the user and an exit
// code (commands.h) of what that throws.
int MainOf(int (*program)(int argc, char** argv), int argc, char** argv);

// Has the signals that PrepareOutput ignores handled as before it. Only makes system calls: for a
// child between fork and exec.
void RestoreSignals();

// Writes to standard output, unbuffered. Throws ReaderGone, or std::runtime_error with one line.
void Print(std::string_view text);

// Writes to standard error. Never throws, either.
void Tell(std::string_view text) noexcept;

// Writes one line to standard error, after "afterleak: ". If that fails too, there is no way to
// report it: it never throws, and the exit code stays what it is.
void Complain(std::string_view line) noexcept;

// A file that the user named. "-" is standard output, and so is any path that leads to it.
class OutputFile {
 public:
  // `flag` is the option that named it. Throws FileError if it cannot be written, and
  // std::invalid_argument if it makes no sense.
  OutputFile(std::string flag, std::string path);

  bool IsStdout() const { return !file_; }
  bool IsRewritable() const { return file_ && !file_->IsInPlace(); }  // a regular file

  // Throws std::invalid_argument if the other file would be written over this one, or into it.
  void RefuseSame(const OutputFile& other) const;

  // What is no regular file gets this ahead of the whole content, as soon as it has room.
  void WriteAhead(std::string_view text);

  // Writes the whole content. Throws as Print and AtomicFile do; a regular file is either
  // complete or unchanged.
  void Write(std::string_view text);

 private:
  const std::string flag_;
  const std::string path_;  // as given
  std::optional<afterleak::AtomicFile> file_;
};

}  // namespace cli
