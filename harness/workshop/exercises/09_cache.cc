// Ten puts a second
//
// A cache keeps each value for as long as its Put says, and then a timer takes it off the shelf.
// Its author has thought of the trap: a value that was overwritten must not vanish with the timer
// of the one before. So each Put has a number, and a timer that finds another one does nothing.
//
// So no value vanishes too soon, the map holds one entry for each key, and the same few keys are
// written all day. Why does the process grow?
//
// And what of a value that is erased, and of a cache that is destroyed?
//
// The promise:
//   A value is there for its time to live, counted from its own Put, or until Erase. An entry that
//   is gone, and a cache that is gone, have no business with the run-time any more.
#include "workshop/exercises.h"

namespace workshop {
namespace {

struct Entry {
  std::string value;
  int put = 0;
};

struct Shelf {
  std::mutex mutex;
  std::map<std::string, Entry> entries;
  int puts = 0;
};

class Shelved final : public Cache {
 public:
  void Put(const std::string& key, std::string value, Duration ttl) override {
    const std::lock_guard lock(shelf_->mutex);
    const int put = ++shelf_->puts;
    shelf_->entries[key] = {std::move(value), put};
    time::AfterFunc(ttl, [weak = std::weak_ptr(shelf_), key, put] {
      const auto shelf = weak.lock();
      if (!shelf) return;
      const std::lock_guard callback_lock(shelf->mutex);
      const auto found = shelf->entries.find(key);
      if (found != shelf->entries.end() && found->second.put == put) shelf->entries.erase(found);
    });
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
  }

 private:
  const std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
};

}  // namespace

std::unique_ptr<Cache> NewCache() { return std::make_unique<Shelved>(); }

}  // namespace workshop
