// A text file that appears whole or not at all.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace afterleak {

// what() is one line, ready to print:
//   "out/idle.csv": No such file or directory; make the folder "out" first
class FileError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Writes all of the text to an open descriptor, which may be a pipe, a terminal or non-blocking.
// Returns 0, or the errno of what went wrong.
int WriteAll(int descriptor, std::string_view text);

//   AtomicFile file("results/idle.csv");    // a path that cannot be written is refused here
//   file.stream() << "seconds,live\n";
//   file.Commit();                          // until here, the old file (or none) is there
//
// The text is kept in memory. Commit writes it to a temporary file beside the target and renames
// that, so a process that ends earlier, even by SIGKILL, leaves nothing behind; a kill within
// Commit may leave ".afterleak-<pid>-<n>.tmp". (O_TMPFILE would also need a second name to replace
// a file, and not every file system has it.) There is no fsync: if a power cut loses a result, run
// the program again.
//
// Symbolic links are followed and kept. An existing file keeps its permissions, but not its owner,
// hard links or ACL; a write-protected one is refused. Anything but a regular file (a device, a
// fifo) is written in place. So are /dev/stdout and the like, through the open descriptor: flush
// std::cout before Commit if the order matters.
class AtomicFile {
 public:
  // Throws FileError.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Formats as in the "C" locale, whatever the program's locale.
  std::ostream& stream() { return text_; }
  void Write(std::string_view text) { text_ << text; }

  // True if both write to one file or one stream, however their paths are spelled.
  bool IsSameAs(const AtomicFile& other) const;

  // True if it writes through this very descriptor, as /dev/stdout does through 1.
  bool IsDescriptor(int descriptor) const { return descriptor_ == descriptor; }

  // True if it is written in place: what goes there twice stands there twice.
  bool IsInPlace() const { return in_place_; }

  // True if it replaces the regular file that `descriptor` is open on, which would then write to a
  // file without a name.
  bool Replaces(int descriptor) const;

  // Passes on as much of the text as a reader has room for, and waits for none: the rest goes with
  // the next call, or with Commit. Only for what is written in place. Throws FileError.
  void Offer();

  // Call it once. On failure it throws FileError and leaves a regular file unchanged.
  void Commit();

 private:
  [[noreturn]] void Fail(int error) const;
  int OpenInPlace(int flags);                            // -1: errno says why not
  std::optional<std::pair<dev_t, ino_t>> Inode() const;  // of the existing file

  std::filesystem::path path_;    // as given
  std::filesystem::path target_;  // with links followed
  std::optional<int> descriptor_;
  std::optional<mode_t> mode_;  // of the existing file
  bool in_place_ = false;
  int opened_ = -1;  // what Offer writes to
  std::ostringstream text_;
};

}  // namespace afterleak
