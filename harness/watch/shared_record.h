// The record from the watcher's side: makes it, and reads what the program has put into it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "afterleak/census/census.h"
#include "watch/record.h"

namespace afterleak::watch {

// One at a time in a process. Not thread-safe.
class SharedRecord {
 public:
  // Throws std::runtime_error with one line for the user.
  SharedRecord();
  ~SharedRecord();
  SharedRecord(const SharedRecord&) = delete;
  SharedRecord& operator=(const SharedRecord&) = delete;

  // What the program opens; only processes of the same user can.
  const std::string& path() const { return path_; }

  // How many programs have begun: the second one came by exec.
  std::uint32_t images() const;

  // Which of them is looked at: the last that has armed anything, or else the last.
  std::uint32_t Subject() const;

  // Its counters; none if it has not begun, or is stopped in the middle of a
  // change. The program waits meanwhile, if it wants to change them: some 3 ns for each live timer.
  // NextWindow: begins a window, too.
  enum class Then : std::uint8_t { kNothing, kNextWindow };
  std::optional<CensusCount> Look(Then then);

  // Its file; empty if it has not begun.
  std::string Program() const;

  // Armings for which there was no memory.
  std::int64_t Unrecorded() const;

  // Has addresses named as those of that program, by what it has loaded so far.
  void NameItsAddresses() const;

 private:
  const Image* SubjectImage() const;

  int descriptor_ = -1;
  std::string path_;
  Record* record_ = nullptr;
};

}  // namespace afterleak::watch
