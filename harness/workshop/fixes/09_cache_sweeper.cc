#include "workshop/exercises.h"

namespace workshop {
namespace {

struct Entry {
  std::string value;
  Time due;
};

// One goroutine looks after the cache; it sleeps until the next value is due, and ends with it.
class Swept final : public Cache {
 public:
  Swept() {
    Go([shelf = shelf_, wake = wake_, closed = closed_] {
      for (;;) {
        Time next = Time::max();
        {
          const std::lock_guard lock(shelf->mutex);
          std::erase_if(shelf->entries,
                        [](const auto& pair) { return pair.second.due <= time::Now(); });
          for (const auto& [key, entry] : shelf->entries) next = std::min(next, entry.due);
        }
        if (next == Time::max()) {
          if (Select({Recv(wake), Recv(closed)}) == 1) return;
          continue;
        }
        const time::ScopedTimer timer(next - time::Now());
        if (Select({Recv(wake), Recv(closed), Recv(timer.C())}) == 1) return;
      }
    });
  }
  ~Swept() override { closed_.Close(); }

  void Put(const std::string& key, std::string value, Duration ttl) override {
    const std::lock_guard lock(shelf_->mutex);
    shelf_->entries[key] = {std::move(value), time::Now() + ttl};
    wake_.TrySend({});
  }

  std::optional<std::string> Get(const std::string& key) const override {
    const std::lock_guard lock(shelf_->mutex);
    const auto found = shelf_->entries.find(key);
    if (found == shelf_->entries.end() || found->second.due <= time::Now()) return std::nullopt;
    return found->second.value;
  }

  void Erase(const std::string& key) override {
    const std::lock_guard lock(shelf_->mutex);
    shelf_->entries.erase(key);
    wake_.TrySend({});
  }

 private:
  struct Shelf {
    std::mutex mutex;
    std::map<std::string, Entry> entries;
  };
  const std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
  const Chan<Unit> wake_ = MakeChan<Unit>(1);
  const Chan<Unit> closed_ = MakeChan<Unit>();
};

}  // namespace

std::unique_ptr<Cache> NewCache() { return std::make_unique<Swept>(); }

}  // namespace workshop
