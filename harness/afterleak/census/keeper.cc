#include "afterleak/census/keeper.h"

#include <sys/mman.h>

#include <new>

namespace afterleak::internal {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

void* FromKernel(std::size_t bytes) {
  void* const pages =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  // One page fault instead of 512. If the kernel has no huge page, small ones do.
  if (bytes >= 2 * kHugePage) madvise(pages, bytes, MADV_HUGEPAGE);
  return pages;
}

void ToKernel(void* pages, std::size_t bytes) { munmap(pages, bytes); }

}  // namespace

constinit const Keeper kOwnPages = {
    .take = &FromKernel, .give_back = &ToKernel, .note_code = nullptr, .shared = false};

[[gnu::weak]] constinit std::atomic<const Keeper*> keeper = &kOwnPages;

void* TakePages(std::size_t bytes) {
  void* const pages = KeeperNow().take(bytes);
  if (pages == nullptr) throw std::bad_alloc();
  return pages;
}

void GiveBackPages(void* pages, std::size_t bytes) noexcept { KeeperNow().give_back(pages, bytes); }

}  // namespace afterleak::internal
