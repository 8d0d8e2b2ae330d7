#include <array>

#include "workshop/tested/clients.h"

namespace workshop::tested {
namespace {

// One handle, armed for the call that is open for longest.
class OneHandle : public Calls {
 public:
  using Calls::Calls;
  void Drop() override {
    Calls::Drop();
    Close(std::exchange(one_, nullptr));
  }

 protected:
  Limit* Arm(int number) override {
    if (one_ == nullptr) one_ = NewLimit();
    due_[number] = uv_now(loop_) + Milliseconds(limit_);
    if (due_.size() == 1) ArmIt(one_, number, Milliseconds(limit_));
    return nullptr;
  }
  void LetGo(const Call&, How) override {
    std::erase_if(due_, [this](const auto& each) { return !open_.contains(each.first); });
    if (due_.empty()) Stop(one_);
  }
  void Due(Limit* due) override {
    while (!due_.empty() && due_.begin()->second <= uv_now(loop_))
      End(due_.begin()->first, {}, How::kLate);
    if (due_.empty() || one_ == nullptr) return;
    ArmIt(due, due_.begin()->first, due_.begin()->second - uv_now(loop_));
  }

 private:
  Limit* one_ = nullptr;
  std::map<int, std::uint64_t> due_;
};

class FourInAPool : public Calls {
 public:
  using Calls::Calls;
  void Drop() override {
    Calls::Drop();
    for (Limit* const each : std::exchange(pool_, {})) Close(each);
  }

 protected:
  Limit* Arm(int number) override {
    if (pool_.empty()) return Calls::Arm(number);
    Limit* const again = pool_.back();
    pool_.pop_back();
    return ArmIt(again, number, Milliseconds(limit_));
  }
  void LetGo(const Call& call, How how) override {
    if (how == How::kDropped || pool_.size() == 4) return Close(call.limit);
    Stop(call.limit);
    pool_.push_back(call.limit);
  }

 private:
  std::vector<Limit*> pool_;
};

class RemembersEight : public Calls {
 public:
  using Calls::Calls;
  void Begin(const std::string& text, Done done) override {
    texts_[static_cast<std::size_t>(last_) % texts_.size()] = text;
    Calls::Begin(text, std::move(done));
  }

 private:
  std::array<std::string, 8> texts_;
};

}  // namespace

std::vector<Tested> SoundClients() {
  return {
      {"has a handle for each call", Choose<Calls>},
      {"has one handle for all calls", Choose<OneHandle>},
      {"keeps up to four handles for the next calls", Choose<FourInAPool>},
      {"has a timer for its housekeeping as long as it lives", Choose<Housekeeping>},
      {"remembers the last eight texts", Choose<RemembersEight>},
  };
}

}  // namespace workshop::tested
