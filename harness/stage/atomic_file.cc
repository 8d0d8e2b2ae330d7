#include "stage/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <locale>
#include <string>
#include <system_error>
#include <utility>

namespace afterleak {
namespace {

namespace fs = std::filesystem;

fs::path FolderOf(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Returns N for /proc/self/fd/N, to which /dev/stdout and /dev/fd/N lead. Such a path is never
// opened: a second open file would overwrite what is written through the first.
std::optional<int> DescriptorOf(const fs::path& path) {
  std::error_code error;
  const fs::path folder = fs::canonical("/proc/self/fd", error);
  if (error || fs::canonical(FolderOf(path), error) != folder) return std::nullopt;
  const std::string name = path.filename();
  int descriptor = -1;
  std::from_chars(name.data(), name.data() + name.size(), descriptor);
  return descriptor;
}

// Returns 0, or the errno of what went wrong.
int WriteAndClose(int descriptor, std::string_view text) {
  int error = WriteAll(descriptor, text);
  // Some file systems report failures only at close. After EINTR, Linux has closed it all the same.
  if (close(descriptor) != 0 && errno != EINTR && error == 0) error = errno;
  return error;
}

// Makes an empty file beside `target`, with the permissions that the umask leaves to a new file.
// Its name is short, so the target's name may have the maximum length. If the folder takes no file,
// the descriptor is -1, with errno set.
std::pair<fs::path, int> CreateTemporary(const fs::path& target) {
  for (int n = 0;; ++n) {
    fs::path path = FolderOf(target) / fmt::format(".afterleak-{}-{}.tmp", getpid(), n);
    const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST) return {std::move(path), descriptor};
  }
}

std::string Advice(int error, const fs::path& target) {
  const fs::path folder = FolderOf(target);
  std::error_code ignored;
  switch (error) {
    case ENOENT:
      if (target.empty()) return "name a file";
      if (fs::exists(folder, ignored)) break;
      return fmt::format("make the folder {:?} first", folder.string());
    case EISDIR:
      return "name a file in it";
    case ENOSPC:
    case EDQUOT:
      return "make room, or write to another disk";
    default:
      break;
  }
  return "name a file that can be written";
}

}  // namespace

int WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd room{.fd = descriptor, .events = POLLOUT, .revents = 0};
      poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

void AtomicFile::Fail(int error) const {
  throw FileError(fmt::format("{:?}: {}; {}", path_.string(),
                              std::generic_category().message(error), Advice(error, target_)));
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), target_(path_) {
  text_.imbue(std::locale::classic());
  constexpr int kMostLinks = 40;  // as in the kernel
  std::error_code ignored;
  for (int links = 0; !(descriptor_ = DescriptorOf(target_)); ++links) {
    if (!fs::is_symlink(fs::symlink_status(target_, ignored))) break;
    if (links == kMostLinks) Fail(ELOOP);
    target_ = target_.parent_path() / fs::read_symlink(target_, ignored);
  }
  if (descriptor_) {
    const int flags = fcntl(*descriptor_, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) Fail(EBADF);
    in_place_ = true;
    return;
  }

  struct stat status;
  if (stat(target_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) Fail(EISDIR);
    if (faccessat(AT_FDCWD, target_.c_str(), W_OK, AT_EACCESS) != 0) Fail(errno);
    mode_ = status.st_mode & 07777;
    in_place_ = !S_ISREG(status.st_mode);
  } else if (errno != ENOENT) {
    Fail(errno);
  } else if (!target_.has_filename()) {
    Fail(target_.empty() ? ENOENT : EISDIR);
  }
  if (in_place_) return;

  // The only way to know that a file can be made is to make one.
  const auto [temporary, descriptor] = CreateTemporary(target_);
  if (descriptor < 0) Fail(errno);
  close(descriptor);
  unlink(temporary.c_str());
}

std::optional<std::pair<dev_t, ino_t>> AtomicFile::Inode() const {
  struct stat status;
  const int failed = descriptor_ ? fstat(*descriptor_, &status) : stat(target_.c_str(), &status);
  if (failed != 0) return std::nullopt;
  return std::pair(status.st_dev, status.st_ino);
}

bool AtomicFile::IsSameAs(const AtomicFile& other) const {
  const auto inode = Inode();
  if (inode || other.Inode()) return inode == other.Inode();
  std::error_code error;
  return target_.filename() == other.target_.filename() &&
         fs::equivalent(FolderOf(target_), FolderOf(other.target_), error);
}

bool AtomicFile::Replaces(int descriptor) const {
  struct stat status;
  return !in_place_ && fstat(descriptor, &status) == 0 &&
         Inode() == std::pair(status.st_dev, status.st_ino);
}

AtomicFile::~AtomicFile() {
  if (opened_ >= 0) close(opened_);
}

int AtomicFile::OpenInPlace(int flags) {
  return descriptor_ ? fcntl(*descriptor_, F_DUPFD_CLOEXEC, 0)
                     : open(target_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | flags);
}

void AtomicFile::Offer() {
  if (!text_) Fail(ENOMEM);
  if (opened_ < 0) opened_ = OpenInPlace(O_NONBLOCK);
  if (opened_ < 0 && errno == ENXIO) return;  // a fifo that nobody reads yet
  if (opened_ < 0) Fail(errno);
  // The descriptor may block, as standard error does: but where there is room, it takes so much.
  const std::string text = text_.str();
  std::string_view rest = text;
  pollfd room{.fd = opened_, .events = POLLOUT, .revents = 0};
  while (!rest.empty() && poll(&room, 1, 0) == 1) {
    const std::string_view piece = rest.substr(0, PIPE_BUF);
    if (const int error = WriteAll(opened_, piece)) Fail(error);
    rest.remove_prefix(piece.size());
  }
  text_.str(std::string(rest));
  text_.seekp(0, std::ios::end);
}

void AtomicFile::Commit() {
  if (!text_) Fail(ENOMEM);  // some of the text was lost
  if (in_place_) {
    const int descriptor = opened_ >= 0 ? std::exchange(opened_, -1) : OpenInPlace(0);
    if (descriptor < 0) Fail(errno);
    if (const int error = WriteAndClose(descriptor, text_.view())) Fail(error);
    return;
  }
  const auto [temporary, descriptor] = CreateTemporary(target_);
  if (descriptor < 0) Fail(errno);
  const int mode_error = mode_ && fchmod(descriptor, *mode_) != 0 ? errno : 0;
  int error = WriteAndClose(descriptor, text_.view());
  if (error == 0) error = mode_error;
  if (error == 0 && rename(temporary.c_str(), target_.c_str()) != 0) error = errno;
  if (error == 0) return;
  unlink(temporary.c_str());
  Fail(error);
}

}  // namespace afterleak
