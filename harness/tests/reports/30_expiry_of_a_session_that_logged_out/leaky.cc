#include "tests/reports/case.h"
using namespace cases;

namespace leaky::r30 {
struct Sessions : std::enable_shared_from_this<Sessions> {
  std::map<int, time::Timer> open;
  void Login(int user) {
    open[user] = time::AfterFunc(1h, [weak = weak_from_this(), user] {  // LEAK
      if (auto self = weak.lock()) self->open.erase(user);
    });
  }
  void Logout(int user) { open.erase(user); }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto sessions = std::make_shared<Sessions>();
    for (int user = 0; More(); ++user) {
      sessions->Login(user);
      time::Sleep(500ms);
      sessions->Logout(user);
    }
  });
}
}  // namespace leaky::r30
