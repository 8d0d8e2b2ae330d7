// The records from the watcher's side: makes them, and reads what the processes have put into them.
#pragma once

#include <sys/types.h>

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
  // Of that many processes at most. Throws std::runtime_error with one line for the user.
  explicit SharedRecord(std::uint32_t most = 1);
  ~SharedRecord();
  SharedRecord(const SharedRecord&) = delete;
  SharedRecord& operator=(const SharedRecord&) = delete;

  // What the program opens; only processes of the same user can.
  const std::string& path() const { return path_; }

  // How many processes have taken one, that of the program included; and how many got none.
  std::uint32_t Processes() const;
  std::uint32_t UnrecordedProcesses() const;

  // All that follows is of this one from now on: 0 is the program. False: it has not begun.
  bool TurnTo(std::uint32_t process);
  pid_t pid() const { return directory_->pids[turned_to_].load(std::memory_order_acquire); }

  // How many programs have begun: the second one came by exec.
  std::uint32_t images() const;

  // Which of them is looked at: the last that has armed anything, or else the last.
  std::uint32_t Subject() const;

  // Its counters; none if it has not begun, or is stopped in the middle of a
  // change. The program waits meanwhile, if it wants to change them: some 3 ns for each live timer.
  // NextWindow: begins a window, too.
  enum class Then : std::uint8_t { kNothing, kNextWindow };
  std::optional<CensusCount> Look(Then then, bool is_virtual);

  // How its time passes, where it is in virtual time.
  SharedTime& time() { return record_->time; }

  // Its file; empty if it has not begun.
  std::string Program() const;

  // Armings for which there was no memory.
  std::int64_t Unrecorded() const;

  // Libraries of which it has a version that is newer than what is known of it here.
  std::vector<loops::Library> NotKnown() const;

  // The system call of ours that the program's filter does not let through; null if there is none.
  const char* Refused() const;

  // What that program does not want to be named as sites (afterleak/watch.h).
  std::vector<std::string> Wrappers() const;

  // Has addresses named as those of that program, by what it has loaded so far.
  void NameItsAddresses() const;

 private:
  bool Map(std::uint32_t process, int flags);
  const Image* SubjectImage() const;

  int descriptor_ = -1;
  std::string path_;
  Directory* directory_ = nullptr;
  std::uint32_t turned_to_ = 0;
  Record* record_ = nullptr;
};

}  // namespace afterleak::watch
