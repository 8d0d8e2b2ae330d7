// The files that `afterleak watch` writes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "afterleak/census/clock.h"
#include "cli/output.h"
#include "watch/report.h"

namespace cli {

struct WatchArguments;

// Each is rewritten whole while the program runs, and at its end: so at any time it holds what is
// known so far, and one that is killed loses nothing but the last seconds. What is no regular file
// (a device, a fifo) gets the end alone, and a --json is streamed there.
class WatchFiles {
 public:
  // `period`: between two calls of WriteInBetween. Throws as OutputFile does, and
  // std::invalid_argument where two are the same file, or standard output is named, which is
  // that of the program.
  WatchFiles(const WatchArguments& arguments, afterleak::Duration period);

  bool empty() const { return files_.empty() && !streamed_; }

  // While the program runs, which does not end because a disk is full: that is said, once.
  void WriteInBetween(const afterleak::watch::Report& report) noexcept;

  // At the end. Throws FileError if one cannot be written, once the others are.
  void Write(const afterleak::watch::Report& report);

 private:
  struct File {
    std::string flag;
    std::string path;
    std::function<std::string(const afterleak::watch::Report&)> text;
    bool rewritable;
  };
  std::vector<File> files_;
  std::optional<OutputFile> streamed_;
  afterleak::watch::JsonStream stream_;
  bool complained_ = false;
};

}  // namespace cli
