// The clients of tested/, which the learner's tests are run on.

#include "workshop/check.h"
#include "workshop/on_libuv.h"
#include "workshop/tested.h"
#include "workshop/tested/clients.h"

namespace workshop {
namespace {

class Front final : public Client {
 public:
  explicit Front(std::shared_ptr<tested::Calls> calls) : calls_(std::move(calls)) {}
  ~Front() override { calls_->Drop(); }
  void Call(const std::string& text, tested::Done done) override {
    const std::shared_ptr<tested::Calls> kept = calls_;  // `done` may drop this
    kept->Begin(text, std::move(done));
  }

 private:
  const std::shared_ptr<tested::Calls> calls_;
};

tested::MakeCalls make = nullptr;

}  // namespace

void tested::ChooseClient(MakeCalls chosen) { make = chosen; }

const AllTested& TestedByTheLearner() {
  static const AllTested all = {"clients", tested::SoundClients(), tested::LeakyClients()};
  return all;
}

std::unique_ptr<Client> NewClient(uv_loop_t* loop, Backend backend, Duration limit) {
  return std::make_unique<Front>(make(loop, std::move(backend), limit));
}

const Exercise kExercise = {.instead = RunTheTests};

}  // namespace workshop
