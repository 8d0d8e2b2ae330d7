#include <algorithm>

#include "workshop/exercises.h"

namespace workshop {
namespace {

struct Entry {
  std::string value;
  Time due;
};

struct Shelf : std::enable_shared_from_this<Shelf> {
  std::mutex mutex;
  std::map<std::string, Entry> entries;
  time::Timer next;

  void ArmLocked() {
    if (next) next.Stop();
    const auto first = std::min_element(entries.begin(), entries.end(), [](auto& a, auto& b) {
      return a.second.due < b.second.due;
    });
    if (first == entries.end()) return;
    next = time::AfterFunc(first->second.due - time::Now(), [weak = weak_from_this()] {
      const auto shelf = weak.lock();
      if (!shelf) return;
      const std::lock_guard lock(shelf->mutex);
      std::erase_if(shelf->entries, [](auto& each) { return each.second.due <= time::Now(); });
      shelf->ArmLocked();
    });
  }
};

class Shelved final : public Cache {
 public:
  ~Shelved() override {
    const std::lock_guard lock(shelf_->mutex);
    shelf_->entries.clear();
    shelf_->ArmLocked();
  }

  void Put(const std::string& key, std::string value, Duration ttl) override {
    const std::lock_guard lock(shelf_->mutex);
    shelf_->entries[key] = {std::move(value), time::Now() + ttl};
    shelf_->ArmLocked();
  }

  std::optional<std::string> Get(const std::string& key) const override {
    const std::lock_guard lock(shelf_->mutex);
    const auto found = shelf_->entries.find(key);
    if (found == shelf_->entries.end()) return std::nullopt;
    return found->second.value;
  }

  void Erase(const std::string& key) override {
    const std::lock_guard lock(shelf_->mutex);
    shelf_->entries.erase(key);
    shelf_->ArmLocked();
  }

 private:
  const std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
};

}  // namespace

std::unique_ptr<Cache> NewCache() { return std::make_unique<Shelved>(); }

}  // namespace workshop
