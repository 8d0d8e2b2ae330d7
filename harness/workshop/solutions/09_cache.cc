// An entry owns its timer, and stops it on each way out: overwritten, erased, or destroyed with its
// cache. The number stays: Stop does not wait for a callback that runs already.
#include "workshop/exercises.h"

namespace workshop {
namespace {

struct Entry {
  std::string value;
  int put = 0;
  time::Timer expiry;
};

struct Shelf {
  std::mutex mutex;
  std::map<std::string, Entry> entries;
  int puts = 0;
};

class Shelved final : public Cache {
 public:
  ~Shelved() override {
    const std::lock_guard lock(shelf_->mutex);
    for (const auto& [key, entry] : shelf_->entries) entry.expiry.Stop();
  }

  void Put(const std::string& key, std::string value, Duration ttl) override {
    const std::lock_guard lock(shelf_->mutex);
    Drop(key);
    const int put = ++shelf_->puts;
    time::Timer expiry = time::AfterFunc(ttl, [weak = std::weak_ptr(shelf_), key, put] {
      const auto shelf = weak.lock();
      if (!shelf) return;
      const std::lock_guard callback_lock(shelf->mutex);
      const auto found = shelf->entries.find(key);
      if (found != shelf->entries.end() && found->second.put == put) shelf->entries.erase(found);
    });
    shelf_->entries[key] = {std::move(value), put, std::move(expiry)};
  }

  std::optional<std::string> Get(const std::string& key) const override {
    const std::lock_guard lock(shelf_->mutex);
    const auto found = shelf_->entries.find(key);
    if (found == shelf_->entries.end()) return std::nullopt;
    return found->second.value;
  }

  void Erase(const std::string& key) override {
    const std::lock_guard lock(shelf_->mutex);
    Drop(key);
  }

 private:
  void Drop(const std::string& key) {
    const auto found = shelf_->entries.find(key);
    if (found == shelf_->entries.end()) return;
    found->second.expiry.Stop();
    shelf_->entries.erase(found);
  }

  const std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
};

}  // namespace

std::unique_ptr<Cache> NewCache() { return std::make_unique<Shelved>(); }

}  // namespace workshop
