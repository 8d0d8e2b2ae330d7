// The cost of operator new and delete with the linked allocator, which ALLOCATOR names. One of many
// live blocks is freed at random and a block of another size is allocated. Alone, and while another
// thread does the same with different blocks.
#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "afterleak/heap/heap.h"
#include "bench/measure.h"

namespace {

constexpr std::int64_t kTurn = 10'000;

class Blocks {
 public:
  explicit Blocks(std::int64_t live) : blocks_(static_cast<std::size_t>(live)) {
    for (void*& block : blocks_) block = Taken();
  }
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  ~Blocks() {
    for (void* block : blocks_) ::operator delete(block);
  }

  void Turn() {
    for (std::int64_t i = 0; i < kTurn; ++i) {
      void*& block = blocks_[(Random() * blocks_.size()) >> 32];
      ::operator delete(block);
      block = Taken();
    }
  }

 private:
  std::uint64_t Random() {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return random_ >> 32;
  }
  // 16 to 271 bytes, touched the way a constructor does.
  void* Taken() { return new (::operator new(16 + (Random() & 255))) std::uint64_t(0); }

  std::vector<void*> blocks_;
  std::uint64_t random_ = 1;
};

void NewDelete(benchmark::State& state) {
  Blocks blocks(state.range(0));
  blocks.Turn();
  const double began = bench::CpuSeconds();
  while (state.KeepRunningBatch(kTurn)) blocks.Turn();
  state.SetIterationTime(bench::CpuSeconds() - began);
}
BENCHMARK(NewDelete)->Name("NewDelete/" ALLOCATOR)->Arg(64)->Arg(100'000)->UseManualTime();

void NewDeleteOfTwo(benchmark::State& state) {
  const std::jthread other([live = state.range(0)](const std::stop_token& stop) {
    Blocks blocks(live);
    while (!stop.stop_requested()) blocks.Turn();
  });
  NewDelete(state);
}
BENCHMARK(NewDeleteOfTwo)
    ->Name("NewDeleteOfTwo/" ALLOCATOR)
    ->Arg(64)
    ->Arg(100'000)
    ->UseManualTime();

// An allocator that is linked but unused would be measured under the wrong name.
bool IsInUse(const std::string& allocator) {
  const bool counting = afterleak::heap::Counting();
  Dl_info from{};
  dladdr(dlsym(RTLD_DEFAULT, "malloc"), &from);
  const std::string library = from.dli_fname == nullptr ? "" : from.dli_fname;
  if (allocator == "counting") return counting;
  return !counting && library.find(allocator == "glibc" ? "libc.so" : allocator) != library.npos;
}

}  // namespace

int main(int argc, char** argv) {
  if (!IsInUse(ALLOCATOR)) {
    std::fputs("operator new is not that of " ALLOCATOR "; nothing can be measured\n", stderr);
    return 2;
  }
  return bench::RunBenchmarks(argc, argv);
}
