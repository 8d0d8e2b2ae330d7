#include "workshop/exercises.h"

namespace workshop {
namespace {

struct Entry {
  std::string value;
  Time due;
};

// No timer at all: each Put takes away what has expired.
class Lazy final : public Cache {
 public:
  void Put(const std::string& key, std::string value, Duration ttl) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [](const auto& pair) { return pair.second.due <= time::Now(); });
    entries_[key] = {std::move(value), time::Now() + ttl};
  }

  std::optional<std::string> Get(const std::string& key) const override {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.due <= time::Now()) return std::nullopt;
    return found->second.value;
  }

  void Erase(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    entries_.erase(key);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace

std::unique_ptr<Cache> NewCache() { return std::make_unique<Lazy>(); }

}  // namespace workshop
