#include "watch/preload_record.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace afterleak::watch {

Record* record = nullptr;
Image* image = nullptr;
bool follows = false;

namespace {

std::uint32_t slot = 0;  // of ours
pid_t recorded = -1;
pthread_mutex_t taking = PTHREAD_MUTEX_INITIALIZER;
char path_of_records[64];

void* MapShared(void* at, std::size_t bytes, int flags, int descriptor, std::size_t place) {
  return mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | flags, descriptor,
              static_cast<off_t>(place));
}

// Calls `use` with the file of the records and what it begins with; null if that cannot be.
void* WithRecords(auto&& use) {
  const int descriptor = open(path_of_records, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  void* const mapped = MapShared(nullptr, kDirectory, 0, descriptor, 0);
  void* found = nullptr;
  if (mapped != MAP_FAILED) {
    found = use(descriptor, *static_cast<Directory*>(mapped));
    munmap(mapped, kDirectory);
  }
  close(descriptor);
  return found;
}

// A record that no process has had.
void Prepare(Record& empty, std::uint64_t size) {
  std::strcpy(empty.version, kVersion);
  empty.size = size;
  empty.used = kFirst;
}

// A part of it: a program may limit its address space, or lock all that it has in memory.
Record* MapRecord() {
  std::uint64_t size = 0;
  void* const mapped = WithRecords([&](int descriptor, Directory& directory) {
    size = directory.size;
    follows = directory.most > 1;
    recorded = getpid();
    std::int32_t has_it = 0;  // or we ourselves, before exec
    if (!directory.pids[slot].compare_exchange_strong(has_it, recorded) && has_it != recorded)
      return MAP_FAILED;
    return MapShared(reinterpret_cast<void*>(kBase), kMappedFirst, MAP_FIXED_NOREPLACE, descriptor,
                     PlaceOfRecord(directory, slot));
  });
  if (mapped == nullptr || mapped == MAP_FAILED) return nullptr;
  auto* const found = static_cast<Record*>(mapped);
  if (found->version[0] == '\0' && slot > 0) Prepare(*found, size);
  if (mapped != reinterpret_cast<void*>(kBase) || std::strcmp(found->version, kVersion) != 0) {
    munmap(mapped, kMappedFirst);
    return nullptr;
  }
  madvise(mapped, kMappedFirst, MADV_DONTDUMP);
  found->mapped.store(kMappedFirst, std::memory_order_release);
  return found;
}

// After exec, what was used before is more than what is mapped.
bool MapMoreFor(std::size_t bytes) {
  const std::uint64_t mapped = record->mapped.load(std::memory_order_relaxed);
  const std::uint64_t wanted =
      std::min(record->used.load(std::memory_order_relaxed) + bytes + kReserve, record->size);
  if (wanted <= mapped) return true;
  std::uint64_t more = mapped;
  while (more < wanted) more *= 2;
  more = std::min(more, record->size);
  if (!Allowed(SYS_mremap, [&] { return mremap(record, mapped, more, 0) != MAP_FAILED; }))
    return false;
  Allowed(SYS_madvise, [&] { return madvise(record, more, MADV_DONTDUMP) == 0; });
  record->mapped.store(more, std::memory_order_release);
  return true;
}

// The record of a child, which is not mapped at its place yet.
void Fill(Record& child, std::uint64_t bytes, const void* copy, std::size_t copied) {
  std::strcpy(child.version, kVersion);
  child.size = record->size;
  child.used = kFirst + copied;
  child.mapped = bytes;
  child.image_count = 1;
  Image& its = child.images[0];
  const std::uint32_t modules = image->module_count.load(std::memory_order_acquire);
  std::memcpy(its.modules, image->modules, modules * sizeof(Module));
  its.module_count = modules;
  const std::uint32_t wrappers = image->wrapper_count.load(std::memory_order_acquire);
  std::memcpy(its.wrappers, image->wrappers, wrappers * sizeof(its.wrappers[0]));
  its.wrapper_count = wrappers;
  std::memcpy(reinterpret_cast<char*>(&child) + kFirst, copy, copied);
}

char* Append(char* to, std::uint64_t number) {
  char digits[24];
  char* first = std::end(digits);
  do *--first = static_cast<char>('0' + number % 10);
  while ((number /= 10) > 0);
  return std::copy(first, std::end(digits), to);
}

const char* Write(char (&spec)[kSpecSize], pid_t pid, std::uint32_t of_slot) {
  char* end = Append(spec, static_cast<std::uint64_t>(pid));
  *end++ = ':';
  end = Append(end, of_slot);
  *end++ = ':';
  std::strcpy(end, path_of_records);
  return spec;
}

bool TakeSlot(std::uint32_t& taken) {
  return WithRecords([&](int, Directory& directory) -> void* {
           taken = directory.taken.fetch_add(1, std::memory_order_relaxed);
           return taken < directory.most ? &taken : nullptr;
         }) != nullptr;
}

}  // namespace

// PID:SLOT:PATH in the environment.
bool FindRecord() {
  const char* const spec = std::getenv(kRecordVariable);
  if (spec == nullptr) return false;
  char* end = nullptr;
  const auto pid = std::strtol(spec, &end, 10);
  if (*end != ':' || (pid != 0 && pid != getpid())) return false;
  slot = static_cast<std::uint32_t>(std::strtoul(end + 1, &end, 10));
  if (*end != ':' || std::strlen(end + 1) >= sizeof(path_of_records)) return false;
  std::strcpy(path_of_records, end + 1);
  record = MapRecord();
  if (record == nullptr) return false;
  const std::uint32_t number = record->image_count.fetch_add(1, std::memory_order_relaxed);
  image = &record->images[std::min(number, Record::kMostImages - 1)];
  return true;
}

void* FromRecord(std::size_t bytes) {
  pthread_mutex_lock(&taking);
  void* const taken = MapMoreFor(bytes) ? TakeFrom(*record, bytes, record->size) : nullptr;
  pthread_mutex_unlock(&taking);
  return taken;
}

bool TakeRecord(std::size_t bytes, const void* copy, std::size_t copied) {
  return WithRecords([&](int descriptor, Directory& directory) -> void* {
           const std::uint32_t taken = directory.taken.fetch_add(1, std::memory_order_relaxed);
           if (taken >= directory.most) return nullptr;
           void* const mapped =
               MapShared(nullptr, bytes, 0, descriptor, PlaceOfRecord(directory, taken));
           if (mapped == MAP_FAILED) return nullptr;
           Fill(*static_cast<Record*>(mapped), bytes, copy, copied);
           munmap(record, bytes);
           if (mremap(mapped, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, record) == MAP_FAILED)
             _exit(127);  // what the ledger is in has gone
           madvise(record, bytes, MADV_DONTDUMP);
           slot = taken;
           image = &record->images[0];
           pthread_mutex_init(&taking, nullptr);  // another thread may have had it
           auto& ledger = loops::internal::Ledger::Get();
           ledger.mutex().Renew();  // the copy was locked for the fork
           image->ledger.store(&ledger, std::memory_order_release);
           recorded = getpid();
           directory.pids[taken].store(recorded, std::memory_order_release);
           return record;
         }) != nullptr;
}

// A child of vfork is another process, and has our memory. It may try several files.
const char* SpecForExec(char (&spec)[kSpecSize]) {
  static pid_t last = -1;
  static std::uint32_t its_slot = 0;
  const pid_t pid = getpid();
  if (record == nullptr || (pid != recorded && !follows)) return nullptr;
  if (pid == recorded) return Write(spec, pid, slot);
  if (pid != last && !TakeSlot(its_slot)) return nullptr;
  last = pid;
  return Write(spec, pid, its_slot);
}

// Its process is not known yet: 0.
const char* SpecForSpawn(char (&spec)[kSpecSize]) {
  std::uint32_t taken = 0;
  return record != nullptr && follows && TakeSlot(taken) ? Write(spec, 0, taken) : nullptr;
}

}  // namespace afterleak::watch
