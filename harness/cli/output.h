// Where all goes that the program says: standard output, standard error, the files that the user
// named. Every write is checked.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "stage/atomic_file.h"

namespace cli {

// Whoever read standard output has gone, as `head` does. Nothing is to be said.
class ReaderGone : public std::exception {
 public:
  const char* what() const noexcept override { return "nobody reads standard output"; }
};

// Call it first. From then on a failed write is an error and no signal, and no file that is opened
// gets the number of a standard stream that is closed. Throws std::runtime_error when standard
// output is closed: said before a long run, not after.
void PrepareOutput();

// To standard output, without a buffer. Throws ReaderGone, or std::runtime_error with one line.
void Print(std::string_view text);

// One line to standard error, "afterleak: " before it. If that cannot be written either, nobody can
// be told: it never throws, and the exit code stays what it is.
void Complain(std::string_view line) noexcept;

// A file that the user named. "-" is standard output, and so is whatever leads to it.
class OutputFile {
 public:
  // `flag` named it. Throws FileError where it cannot be written, std::invalid_argument where it
  // makes no sense.
  OutputFile(std::string flag, std::string path);

  bool IsStdout() const { return !file_; }

  // Throws std::invalid_argument if the other one would be written over this one, or into it.
  void RefuseSame(const OutputFile& other) const;

  // All that is to be in it. Throws as Print and AtomicFile do; a regular file is whole or
  // as it was.
  void Write(std::string_view text);

 private:
  const std::string flag_;
  const std::string path_;  // as given
  std::optional<afterleak::AtomicFile> file_;
};

}  // namespace cli
