#include "watch/shared_record.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "afterleak/census/keeper.h"
#include "afterleak/census/symbols.h"
#include "watch/virtual_time.h"

namespace afterleak::watch {
namespace {

using internal::Keeper;
using loops::internal::Ledger;

constexpr Duration kPatience = std::chrono::milliseconds(100);

// Where the few changes that the watcher makes find memory: what the program has mapped, too.
void* FromRecord(std::size_t bytes) {
  auto& record = *reinterpret_cast<Record*>(kBase);
  return TakeFrom(record, bytes, record.mapped.load(std::memory_order_acquire));
}

constexpr Keeper kRecordPages = {.take = &FromRecord,
                                 .give_back = [](void*, std::size_t) {},
                                 .note_code = nullptr,
                                 .shared = true};

class KeepInRecord {
 public:
  KeepInRecord() : before_(internal::keeper.exchange(&kRecordPages)) {}
  ~KeepInRecord() { internal::keeper = before_; }
  KeepInRecord(const KeepInRecord&) = delete;
  KeepInRecord& operator=(const KeepInRecord&) = delete;

 private:
  const Keeper* const before_;
};

// How many get at least the smallest record: `ulimit -f` may not let the file be larger.
std::uint32_t MostWithin(std::uint32_t processes) {
  rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return processes;
  return static_cast<std::uint32_t>(
      std::clamp<std::size_t>((limit.rlim_cur - kDirectory) / kSmallest, 1, processes));
}

// `ulimit` may not let a process have more.
std::size_t SizeWithin(std::size_t size, std::size_t processes) {
  for (const auto which : {RLIMIT_FSIZE, RLIMIT_AS}) {
    rlimit limit;
    if (getrlimit(which, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
      size = std::min<std::size_t>(size, which == RLIMIT_AS
                                             ? limit.rlim_cur / 4
                                             : (limit.rlim_cur - kDirectory) / processes);
  }
  return std::max(size / 4096 * 4096, kSmallest);
}

[[noreturn]] void Fail(const char* what) {
  throw std::runtime_error(fmt::format("there is no memory to share with the program: {}: {}", what,
                                       std::generic_category().message(errno)));
}

}  // namespace

SharedRecord::SharedRecord(std::uint32_t most) {
  most = MostWithin(most);
  descriptor_ = memfd_create("afterleak-record", MFD_CLOEXEC);
  if (descriptor_ < 0) Fail("memfd_create");
  const std::size_t size = SizeWithin(kLargest, most);
  if (fchmod(descriptor_, S_IRUSR | S_IWUSR) != 0 ||
      ftruncate(descriptor_, static_cast<off_t>(kDirectory + most * size)) != 0) {
    close(descriptor_);
    Fail("ftruncate");
  }
  void* const first = mmap(nullptr, kDirectory, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (first == MAP_FAILED) {
    close(descriptor_);
    Fail("mmap");
  }
  directory_ = static_cast<Directory*>(first);  // all zero
  directory_->size = size;
  directory_->most = most;
  directory_->taken = 1;
  if (!Map(0, MAP_FIXED_NOREPLACE)) {
    munmap(directory_, kDirectory);
    close(descriptor_);
    Fail("mmap");
  }
  std::strcpy(record_->version, kVersion);
  record_->size = size;
  record_->used = kFirst;
  path_ = fmt::format("/proc/{}/fd/{}", getpid(), descriptor_);
}

SharedRecord::~SharedRecord() {
  munmap(record_, directory_->size);
  munmap(directory_, kDirectory);
  close(descriptor_);
}

bool SharedRecord::Map(std::uint32_t process, int flags) {
  void* const mapped = mmap(reinterpret_cast<void*>(kBase), directory_->size,
                            PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | flags, descriptor_,
                            static_cast<off_t>(PlaceOfRecord(*directory_, process)));
  if (mapped == MAP_FAILED) return false;
  madvise(mapped, directory_->size, MADV_DONTDUMP);
  record_ = static_cast<Record*>(mapped);
  return true;
}

std::uint32_t SharedRecord::Processes() const {
  return std::min(directory_->taken.load(std::memory_order_acquire), directory_->most);
}

std::uint32_t SharedRecord::UnrecordedProcesses() const {
  return directory_->taken.load(std::memory_order_acquire) - Processes();
}

bool SharedRecord::TurnTo(std::uint32_t process) {
  if (process != turned_to_) {
    if (!Map(process, MAP_FIXED)) Fail("mmap");
    turned_to_ = process;
  }
  return pid() != 0 && std::strcmp(record_->version, kVersion) == 0;
}

std::uint32_t SharedRecord::images() const {
  return std::min(record_->image_count.load(std::memory_order_acquire), Record::kMostImages);
}

std::uint32_t SharedRecord::Subject() const {
  std::uint32_t last = 0;
  for (std::uint32_t i = images(); i > 0; --i) {
    Ledger* const ledger = record_->images[i - 1].ledger.load(std::memory_order_acquire);
    if (ledger == nullptr) continue;
    if (ledger->census().totals().armed > 0) return i - 1;
    last = std::max(last, i - 1);
  }
  return last;
}

const Image* SharedRecord::SubjectImage() const {
  const Image& image = record_->images[Subject()];
  return image.ledger.load(std::memory_order_acquire) == nullptr ? nullptr : &image;
}

std::optional<CensusCount> SharedRecord::Look(Then then, bool is_virtual) {
  const Image* const image = SubjectImage();
  if (image == nullptr) return std::nullopt;
  Ledger& ledger = *image->ledger.load(std::memory_order_relaxed);
  if (!ledger.mutex().TryLockFor(kPatience)) return std::nullopt;
  const std::lock_guard lock(ledger.mutex(), std::adopt_lock);
  const Time now = is_virtual ? NowIn(record_->time) : loops::internal::LedgerNow();
  {
    const KeepInRecord keep;
    // The kernel tells only the process itself whether they have fired. The clock is coarse; but in
    // virtual time, what is due by now has.
    const Time overdue = is_virtual ? now + Duration(1) : now - std::chrono::milliseconds(10);
    ledger.FireOverdue(loops::Library::kTimerfd, overdue);
    ledger.FireOverdue(loops::Library::kPosixTimers, overdue);
  }
  CensusCount count = ledger.census().Count(now);
  if (then == Then::kNextWindow) ledger.census().NextWindow();
  return count;
}

std::string SharedRecord::Program() const {
  const Image* const image = SubjectImage();
  return image == nullptr || image->module_count == 0 ? "" : image->modules[0].path;
}

std::int64_t SharedRecord::Unrecorded() const {
  const Image* const image = SubjectImage();
  return image == nullptr ? 0 : image->ledger.load()->unrecorded().load(std::memory_order_relaxed);
}

std::vector<loops::Library> SharedRecord::NotKnown() const {
  const Image* const image = SubjectImage();
  std::vector<loops::Library> libraries;
  for (int i = 0; image != nullptr && i < loops::kLibraries; ++i) {
    const auto library = static_cast<loops::Library>(i);
    if (!image->ledger.load()->IsKnown(library)) libraries.push_back(library);
  }
  return libraries;
}

const char* SharedRecord::Refused() const {
  switch (record_->calling.load(std::memory_order_relaxed)) {
    case SYS_mremap + 1:
      return "mremap";
    case SYS_madvise + 1:
      return "madvise";
    case SYS_getcwd + 1:
      return "getcwd";
    default:
      return nullptr;
  }
}

std::vector<std::string> SharedRecord::Wrappers() const {
  const Image* const image = SubjectImage();
  if (image == nullptr) return {};
  return {image->wrappers, image->wrappers + image->wrapper_count.load(std::memory_order_acquire)};
}

void SharedRecord::NameItsAddresses() const {
  const Image* const image = SubjectImage();
  if (image == nullptr) return;
  std::vector<internal::LoadedFile> files;
  const std::uint32_t count = image->module_count.load(std::memory_order_acquire);
  files.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i)
    files.push_back({image->modules[i].path, image->modules[i].bias});
  internal::NameAddressesOf(std::move(files));
}

}  // namespace afterleak::watch
