// A service in virtual time, as its author would test it: over real sockets, with a thousand
// requests. Built once for each service, of which it knows what the leaky side leaves.
#include "tests/services/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "afterleak/loops/loop_bubble.h"
#include "afterleak/loops/testing.h"
#include "tests/services/client.h"

namespace {

using namespace std::chrono_literals;
using afterleak::Duration;
using afterleak::loops::LeavesNothingBehind;
using afterleak::loops::LoopBubble;
using services::Client;
using services::Service;
using services::Store;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

#ifdef SERVICE_BEAST  // a connection that has ended waits for its limit
constexpr char kLeft[] =
    "left behind: 100 x steady_timer::async_wait\n"
    "    harness/tests/services/beast/leaky/server.cc:43 Within\n"
    "        from harness/tests/services/beast/leaky/server.cc:29 Read\n";
#else  // a lookup that is over does
constexpr char kLeft[] =
    "left behind: 1000 x event_add\n"
    "    harness/tests/services/evhttp/leaky/server.cc:27 Start\n"
    "        from harness/tests/services/evhttp/leaky/server.cc:51 Begin\n";
#endif

using Make = std::unique_ptr<Service> (*)(Store);

// A thousand requests on a hundred connections. One in ten finds the store busy at first.
testing::AssertionResult LeavesNothingOfAThousandRequests(Make make) {
  LoopBubble bubble;
  int asked = 0;
  const std::shared_ptr<Service> server = make([&](const std::string& key) {
    return ++asked % 11 == 5 ? std::nullopt : std::optional("the value of " + key);
  });
  bubble.Go([=] { server->Run(); }, [=] { server->Stop(); });
  const auto visit = [&] {
    {
      Client client(server->port());
      for (int i = 0; i < 10; ++i) EXPECT_EQ(client.Get("/key" + std::to_string(i)), 200);
    }
    bubble.Advance(0s);  // until the server has seen that it has gone
  };
  const auto left = LeavesNothingBehind(visit, {.calls = 100});
  EXPECT_EQ(asked, 1100);
  EXPECT_EQ(bubble.Now().time_since_epoch() / 1s, 10) << "no more than the pauses";
  bubble.Finish();
  return left;
}

TEST(Service, TheLeakyOneFailsWithTheLine) {
  const auto left = LeavesNothingOfAThousandRequests(&leaky::MakeServer);
  EXPECT_FALSE(left);
  EXPECT_THAT(left.message(), HasSubstr(kLeft));
}

TEST(Service, TheFixedOnePasses) {
  EXPECT_TRUE(LeavesNothingOfAThousandRequests(&fixed::MakeServer));
}

// What the client sees, and when.
std::vector<std::pair<int, Duration>> Seen(Make make) {
  std::vector<std::pair<int, Duration>> seen;
  LoopBubble bubble;
  int busy = 0;
  const std::shared_ptr<Service> server = make([&](const std::string& key) {
    return key == "/now" || (key == "/later" && ++busy % 3 == 0) ? std::optional(key)
                                                                 : std::nullopt;
  });
  bubble.Go([=] { server->Run(); }, [=] { server->Stop(); });
  bubble.Go([&] {
    const auto see = [&](int status) {
      seen.emplace_back(status, bubble.Now().time_since_epoch() / 1ms * 1ms);
    };
    Client client(server->port());
    see(client.Get("/later"));
    see(client.Get("/never"));
    see(client.Get("/now"));
    Client(server->port()).Ask("/never");  // and hangs up
    see(client.Get("/later"));
    see(client.Answer());  // nothing more is asked
  });
  bubble.AdvanceTo(3min);
  EXPECT_EQ(bubble.Totals().live, 0) << "all has come to its limit";
  bubble.Finish();
  return seen;
}

TEST(Service, BothSidesAnswerTheSame) {
  const auto seen = Seen(&fixed::MakeServer);
  EXPECT_THAT(seen, ElementsAre(Pair(200, 200ms), Pair(503, 30200ms), Pair(200, 30200ms),
                                Pair(200, 30400ms), Pair(0, 90400ms)));
  EXPECT_EQ(Seen(&leaky::MakeServer), seen);
}

}  // namespace
