// The client that everybody has
//
// A client on libuv, in fifteen versions: every team has written one. Five leave nothing behind. In
// the other ten something stays: a timer that is armed, a handle that nobody closes, a block of
// memory. Some of it goes by itself half a minute later, and some when the client is dropped; in
// production, no client is.
//
// All fifteen pass the test below. You do not see their code. The check runs your tests on each of
// them, and says which ones your tests judge wrongly.
//
// Write the tests that fail on the ten, and pass on the five. harness/afterleak/loops/testing.h has
// the assertions for it, and harness/workshop/virtual_loop.h the loop.
//
// The promise:
//   Call asks the backend, and calls `done` once: with the answer when that comes, or with nothing
//   when `limit` is over. Calls do not wait for each other, and may have the same text. When a
//   client is dropped, calls that are open end, and their `done` is not called. As long as it lives
//   a client may hold what it needs, if that has a bound. When it has been dropped, and the loop
//   has run once more, nothing of it is left.
#include "afterleak/loops/testing.h"
#include "workshop/on_libuv.h"
#include "workshop/virtual_loop.h"

namespace workshop {
namespace {

TEST(Client, GivesTheAnswer) {
  VirtualLoop loop;
  std::function<void(std::string)> answer;
  const auto client = NewClient(
      loop.get(), [&](const std::string&, auto answered) { answer = std::move(answered); }, 30s);
  std::optional<std::string> given;
  client->Call("tea", [&](std::optional<std::string> text) { given = std::move(text); });
  loop.RunFor(1s);
  answer("green");
  EXPECT_EQ(given, "green");
}

}  // namespace
}  // namespace workshop
